// Shell. Sends requests to supervisord, which are signals, and waits for their outcome.
#pragma once

#include <functional>

#include "common/bus/messages.h"
#include "ctl/core/choice.h"

namespace hpp::ctl {

// Whether `now` has the outcome of a request that was sent after `before` was published.
using IsDone = std::function<bool(const bus::BackendState& before, const bus::BackendState& now)>;

// Sends the signal after the first snapshot, unless that one has the outcome already. Returns the
// first snapshot with the outcome. Throws Failure if no supervisord runs, and std::runtime_error if
// it ends meanwhile.
bus::BackendState ask_supervisord(const Instance& instance, int signal, const IsDone& is_done);

}  // namespace hpp::ctl
