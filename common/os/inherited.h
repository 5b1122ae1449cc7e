// What a program inherits from the one that has started it.
#pragma once

namespace hpp {

// For the beginning of main. Whatever the parent has left behind,
//
// - no signal is blocked: a program that SIGTERM cannot reach cannot be stopped;
// - SIGCHLD has its default action: if it were ignored, the kernel would reap the children, and
//   this program would not learn how they ended. Other signals that are ignored stay so (nohup(1));
// - descriptors other than stdin, stdout and stderr are not passed on to the programs that this one
//   starts.
void clean_inherited_state();

// Closes all descriptors from `first` on.
void close_from(int first);

}  // namespace hpp
