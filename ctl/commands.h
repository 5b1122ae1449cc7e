// Shell. The commands of hpp-ctl: one function each, in a file of the same name. Each returns the
// exit status, or throws Failure or another std::exception with one line for the user.
#pragma once

#include "ctl/core/choice.h"
#include "ctl/options.h"

namespace hpp::ctl {

// Prints each author's newest snapshot, read from its file if the author does not respond.
int status(const Instance& instance, const CtlOptions& options);

// Lists all of this user's running instances. Returns 0, also if there is none.
int status_of_all(const CtlOptions& options);

// Blocks until the files saved before the call are live (0), or the backend has failed with them
// (1; prints the reason on stderr). With --json, prints the outcome on stdout instead.
int wait(const Instance& instance, const CtlOptions& options);

// Waits like wait(), then sends a GET for options.target through hpp. Prints the response, and what
// the server has printed meanwhile. Returns 0, or 1 if the save has failed or the status is 400 or
// more.
int check(const Instance& instance, const CtlOptions& options);

// Restarts the backend. Returns 0 when the new one is spawned, 1 if it cannot be. With --wait, goes
// on like wait(); with --json as well, only wait() prints the outcome.
int restart(const Instance& instance, const CtlOptions& options);

// Pauses the instance: changes do not restart the backend, supervisord only notes them. Returns 0.
int pause(const Instance& instance);

// Ends the pause, and restarts the backend if a change was noted. Returns 0 when that has begun.
int resume(const Instance& instance);

// Stops the instance and waits until its processes have exited. Returns 0, or 1 if systemctl fails.
// Gives up after a minute.
int stop(const Instance& instance);

// Prints the output log. With --follow, returns when SIGINT or SIGTERM arrives, the reader of
// stdout is gone, or the instance ends.
int log(const Instance& instance, const CtlOptions& options);

// Prints each bus message until SIGINT or SIGTERM arrives, the reader of stdout is gone, or the
// instance ends.
int trace(const Instance& instance, const CtlOptions& options);

// Prints the URL for phones, and a QR code of it.
int qr(const Instance& instance);

// Prints what is wrong with this machine, the project or its hpp, which need not run. With --fix,
// removes leftovers of ended runs. Returns 0 if there is no problem, or none is left; else 1.
int doctor(const CtlOptions& options);

// Serves a client of the Model Context Protocol on stdin and stdout, until it closes stdin. Each
// call of a tool runs one of the commands above in a process of its own, which looks for the
// instance.
int mcp(const CtlOptions& options);

}  // namespace hpp::ctl
