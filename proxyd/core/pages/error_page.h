// Pure. The answers that the proxy gives itself when it cannot give the backend's: as HTML for who
// asks for that (a browser that goes to a page), as JSON, or as text.
#pragma once

#include <cstdint>
#include <string>

#include "common/bus/messages.h"
#include "proxyd/core/exchange.h"

namespace hpp::proxyd {

struct Audience {
  bool may_see_output = false;  // and all else that strangers are not to know
  std::int64_t now_ms = 0;      // since the Unix epoch
  std::string nonce = {};       // random, for one page
};

// The text of an answer, ready to be sent. It always says `Connection: close`.
// `backend`: the newest news, for the reason. A HEAD request gets the head alone, and who asks for
// a WebSocket no HTML.
std::string write_answer(const Answer& answer, const RequestFacts& request,
                         const bus::BackendState& backend, const Audience& audience);

}  // namespace hpp::proxyd
