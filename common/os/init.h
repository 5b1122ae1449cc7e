// Processes that are not hpp's, but would be its children.
#pragma once

namespace hpp {

// If this is process 1, or has children from before its exec (`redis-server & exec hpp-launch`),
// forks, and returns in the child only. The process itself then reaps what becomes its child,
// passes signals on to the child, stops when the child stops and goes on when the child goes on,
// and ends with the child's exit status (a signal: 128 and its number). If it is killed, the child
// gets SIGTERM.
//
// A program of hpp takes every orphan that becomes its child for a process that escaped from a
// backend, and kills it. The kernel makes every orphan of a container a child of process 1, also
// those of `docker exec` and of an editor that is attached; and what an inherited child leaves
// behind (a daemon) a child of the program that inherited it. The kernel also drops a signal for
// which process 1 has no handler.
//
// To be called before this process has threads. Throws std::system_error if it cannot fork.
void leave_foreign_processes();

// Sends SIGCONT to the process that has forked us in leave_foreign_processes(); does nothing if
// none has. That process stops when we stop, and cannot see then that we go on, or end. The handler
// for SIGCONT that leave_foreign_processes() installs calls this; a program that installs another
// one must call it there. Async-signal-safe.
void resume_parent();

}  // namespace hpp
