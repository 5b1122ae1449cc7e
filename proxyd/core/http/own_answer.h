// Pure. The answers that the proxy gives itself, put into HTTP: one place says what is true of all.
// And what its own endpoints (own_endpoints.h) have to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/bus/messages.h"
#include "proxyd/core/history.h"
#include "proxyd/core/http/answer_defects.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/own_endpoints.h"

namespace hpp::proxyd {

struct OwnHead {
  int status = 200;
  std::uint64_t generation = 0;  // the backend that the answer is about; 0: none
  std::int64_t now_ms = 0;       // since the Unix epoch
  std::string_view nonce = {};   // HTML: that of the page's script
};

// An answer, ready to be sent. It always says `Connection: close` and is never kept. A HEAD request
// gets the head alone. `type`: a media type.
std::string write_own(const OwnHead& head, std::string_view type, std::string_view body,
                      const RequestFacts& request);

// All that proxyd knows.
struct Knowledge {
  const std::optional<bus::TreeState>& tree;        // nothing: watchd has not been heard yet
  const std::optional<bus::BackendState>& backend;  // likewise
  const bus::ProxyState& proxy;
  const History& history;
  const DefectRecord& defects;
  std::int64_t now_ms = 0;      // since the Unix epoch
  std::string_view nonce = {};  // random, for one page
};

// Returns the endpoint's answer. Wait: 200 if the backend runs and serves the newest tree; 503 with
// the reason if it does not, or if the watcher has a problem and hpp cannot tell.
std::string write_endpoint(OwnEndpoint endpoint, const RequestFacts& request,
                           const Knowledge& knowledge);

}  // namespace hpp::proxyd
