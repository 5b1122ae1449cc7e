// Shell. What hpp-ctl does: one function for each command, in a file of its name. All return the
// exit status, and throw std::exception with one line for the user.
#pragma once

#include "ctl/core/choice.h"
#include "ctl/options.h"

namespace hpp::ctl {

// Prints the newest snapshots, each from its author, or from its file where that does not answer.
int status(const Instance& instance, const CtlOptions& options);

// Blocks until what was saved before the call is live (0) or has failed (1, and why on stderr).
int wait(const Instance& instance, const CtlOptions& options);

// Returns when the backend has been spawned anew (0), or cannot be (1).
int restart(const Instance& instance);

// Returns when all has ended: 0, or 1 if systemd could not be asked for it. Gives up after a
// minute.
int stop(const Instance& instance);

// Prints each message until SIGINT, SIGTERM, the reader of stdout or the instance ends it.
int trace(const Instance& instance, const CtlOptions& options);

}  // namespace hpp::ctl
