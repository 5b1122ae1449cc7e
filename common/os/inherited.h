// Resets the process state that a program inherits from its parent.
#pragma once

namespace hpp {

// Call it at the beginning of main(). Afterwards
//
// - no signal is blocked, so that SIGTERM reaches this program;
// - SIGCHLD has its default action. If it were ignored, the kernel would reap the children, and
//   their exit status would be lost. Other ignored signals stay ignored (nohup(1));
// - descriptors other than stdin, stdout and stderr are close-on-exec.
void clean_inherited_state();

// Makes all descriptors whose number is at least `first` close-on-exec. Returns false without
// effect on kernels before 5.11. Allocates nothing.
bool close_on_exec_from(int first);

// Closes all descriptors whose number is at least `first`.
void close_from(int first);

// Opens /dev/null for each of stdin, stdout and stderr that the parent has closed. Otherwise the
// first file that this program opens could become its stdout.
void open_standard_descriptors();

}  // namespace hpp
