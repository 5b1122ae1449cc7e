// Pure. The answers that the proxy gives itself, complete with head.
#pragma once

#include <string>

#include "common/bus/messages.h"
#include "proxyd/core/exchange.h"

namespace hpp::proxyd {

// The text of an answer, ready to be sent. It always says `Connection: close`.
// `backend`: the newest news, for the reason. `show_output`: whether the reader may see what the
// backend printed (strangers may not). A HEAD request gets the head alone.
std::string write_answer(const Answer& answer, const RequestFacts& request,
                         const bus::BackendState& backend, bool show_output);

}  // namespace hpp::proxyd
