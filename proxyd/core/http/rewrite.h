// Pure. Writes the heads that leave the proxy, anew from their parsed fields.
//
// Order, case and number of the fields stay as they came. What concerns one connection alone
// (RFC 9110 §7.6.1) is removed; the proxy says of its own connections what is true of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/bus/messages.h"
#include "proxyd/core/http/head.h"

namespace hpp::proxyd {

// The request as the backend gets it: HTTP/1.1, with Forwarded and X-Forwarded-* added.
// `peer_ip`: the client's address. `backend`: stands in for the Host that HTTP/1.0 may omit.
std::string write_request_head(const RequestHead& head, const RequestFacts& facts,
                               std::string_view peer_ip, std::string_view backend);

// How an answer goes to the client.
struct Delivery {
  enum class Coding {
    AsItCame,  // framing unchanged
    Chunk,     // ends with the connection on the backend's side, chunked on the client's
    Dechunk,   // chunked on the backend's side, ends with the connection on the client's
  };

  Coding coding = Coding::AsItCame;
  bool closes = false;  // the client's connection ends after this answer

  bool operator==(const Delivery&) const = default;
};

// Who answered, and how long the request had waited for that: for a browser's network panel and for
// scripts, as X-Hpp-Generation and Server-Timing (https://www.w3.org/TR/server-timing/). Our client
// in a page compares it with the newest state (livereload.js).
struct Provenance {
  std::uint64_t generation = 0;              // of the backend
  std::optional<bus::RefreshPoint> refresh;  // what it had to know when it got the request
  std::chrono::microseconds held{};
};

// `provenance`: nothing where nobody supervises the backend; an interim answer never has one.
std::string write_response_head(const ResponseHead& head, const ResponseFacts& facts,
                                const RequestFacts& request, const Delivery& delivery,
                                const std::optional<Provenance>& provenance = std::nullopt);

}  // namespace hpp::proxyd
