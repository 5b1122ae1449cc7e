// Keeps foreign processes from becoming children of hpp.
#pragma once

namespace hpp {

// If this is process 1, or has children from before its exec (`redis-server & exec hpp-launch`),
// forks and returns only in the child. The parent then acts as an init process: it reaps its
// children, passes signals on to the forked child, stops and continues together with it, and exits
// with its exit status (128 plus the number of the signal that killed it). If the parent is killed,
// the child receives SIGTERM.
//
// The reason: hpp kills every orphan that becomes its child, because it takes it for a process that
// escaped from a backend. But process 1 of a container becomes the parent of every orphan in the
// container, including those of `docker exec` and of an attached editor. And a program with
// inherited children becomes the parent of the daemons that these leave behind. Besides, the kernel
// drops each signal for which process 1 has no handler.
//
// Call it before this process has threads. Throws std::system_error if fork(2) fails.
void leave_foreign_processes();

// Sends SIGCONT to the parent if leave_foreign_processes() has forked this process. The parent
// stops when this process stops, and while it is stopped it cannot notice that this process
// continues or ends. The handler for SIGCONT that leave_foreign_processes() installs calls this
// function. A program that installs another handler must call it there. Async-signal-safe.
void resume_parent();

}  // namespace hpp
