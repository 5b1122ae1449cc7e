// Process 1 of a container.
#pragma once

namespace hpp {

// If this is process 1, forks, and returns in the child only. Process 1 itself does then what an
// init has to do and nothing else: it reaps orphans, passes signals on to the child, and ends with
// the child's exit status (a signal: 128 and its number), which ends the whole container.
//
// No program of hpp may be process 1. The kernel makes every orphan of the container a child of
// process 1, also those of `docker exec` and of an editor that is attached: hpp would take them for
// processes that escaped from a backend, and kill them. And the kernel drops a signal for which
// process 1 has no handler.
//
// To be called before this process has threads. Throws std::system_error if it cannot fork.
void leave_process_1();

}  // namespace hpp
