// Pure. The answers that hpp gives when it cannot give the backend's: as HTML for a client that
// asks for that (a browser that goes to a page), as JSON, or as text.
#pragma once

#include <cstdint>
#include <string>

#include "common/bus/messages.h"
#include "proxyd/core/exchange.h"
#include "proxyd/core/http/own_answer.h"

namespace hpp::proxyd {

struct Audience {
  bool may_see_output = false;  // and all else that strangers are not to know
  std::int64_t now_ms = 0;      // since the Unix epoch
  std::string nonce = {};       // random, for one page
};

// `backend`: the newest news, for the reason. A client that asks for a WebSocket gets no HTML.
OwnAnswer error_answer(const Answer& answer, const RequestFacts& request,
                       const bus::BackendState& backend, const Audience& audience);

}  // namespace hpp::proxyd
