// Pure. The answers that hpp gives when it has none from the backend: as HTML, JSON or text,
// whichever the client accepts.
#pragma once

#include <cstdint>
#include <string>

#include "common/bus/messages.h"
#include "proxyd/core/events.h"
#include "proxyd/core/http/own_answer.h"

namespace hpp::proxyd {

struct Audience {
  bool may_see_output = false;  // whether it may see the output, command and changed files
  std::int64_t now_ms = 0;      // since the Unix epoch
  std::string nonce = {};       // random, for one page
  std::string editor = {};      // kOpenEditorPath or a link (editor.h); empty: no button
};

// `backend`: the newest report, which has the reason. A client that asks for a WebSocket gets no
// HTML.
OwnAnswer error_answer(const Answer& answer, const RequestFacts& request,
                       const bus::BackendState& backend, const Audience& audience);

}  // namespace hpp::proxyd
