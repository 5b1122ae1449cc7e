// Shell. The question whether the last save is live, for `wait` and for other commands.
#pragma once

#include <cstdint>

#include "common/address.h"
#include "ctl/ask.h"
#include "ctl/core/choice.h"
#include "ctl/core/wait_answer.h"

namespace hpp::ctl {

// Returns the end of a time limit that begins now; nothing if `timeout_ms` is 0.
Deadline deadline_after(std::uint32_t timeout_ms);

// Returns where the instance's proxyd listens. Throws Failure if that is unknown.
Address address_of(const Instance& instance);

// Blocks until the files saved before the call are live, or the backend has failed with them.
// Throws Failure after the deadline, or if the instance ends.
WaitAnswer ask_until_answered(const Instance& instance, WaitFormat format,
                              const Deadline& deadline);

}  // namespace hpp::ctl
