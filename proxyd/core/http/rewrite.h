// Pure. Writes the heads that the proxy sends, from their parsed fields.
//
// The fields keep their order, case and number. Fields that only concern one connection (RFC 9110
// §7.6.1) are removed; the proxy adds those that apply to its own connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/bus/messages.h"
#include "proxyd/core/http/head.h"

namespace hpp::proxyd {

// Returns the request's head for the backend: HTTP/1.1, with Forwarded and X-Forwarded-* added.
// `peer_ip`: the client's address. `backend`: the Host for an HTTP/1.0 request that has none.
std::string write_request_head(const RequestHead& head, const RequestFacts& facts,
                               std::string_view peer_ip, std::string_view backend);

// How an answer is sent to the client.
struct Delivery {
  enum class Coding {
    AsItCame,  // framing unchanged
    Chunk,     // the backend ends the body by closing; the client gets it chunked
    Dechunk,   // the backend sends the body chunked; the client gets it without framing, then EOF
  };

  Coding coding = Coding::AsItCame;
  bool closes = false;  // the client's connection is closed after this answer

  bool operator==(const Delivery&) const = default;
};

// Which backend answered, and how long hpp held the request before. Sent as X-Hpp-Generation and
// Server-Timing (https://www.w3.org/TR/server-timing/), for a browser's network panel and for
// scripts. hpp's script in a page compares it with the newest state (livereload.js).
struct Provenance {
  std::uint64_t generation = 0;              // the backend's generation
  std::optional<bus::RefreshPoint> refresh;  // the newest refresh that the answer has to include
  std::chrono::microseconds held{};
  std::string_view paused = {};  // bus::pause_word() of the backend, for X-Hpp-Paused
  std::uint64_t lag_ms = 0;      // younger saves than this may be missing in the answer (TreeState)
};

// `provenance`: nothing if no supervisor runs the backend. It is not added to an interim answer.
std::string write_response_head(const ResponseHead& head, const ResponseFacts& facts,
                                const RequestFacts& request, const Delivery& delivery,
                                const std::optional<Provenance>& provenance = std::nullopt);

}  // namespace hpp::proxyd
