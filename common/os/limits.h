// Resource limits of the process, and errors that a limit causes.
#pragma once

#include <string>

namespace hpp {

// Raises this process's limit of file descriptors to the maximum. On many systems the initial limit
// is 1,024, for programs that use select(2). Children inherit the limit.
void raise_descriptor_limit();

// Returns a clause that names the limit behind `error`, the errno value of a system call that makes
// a descriptor or a connection, and a remedy: "this process has no file descriptor left (its limit
// is 64). Raise …". Empty if `error` is not about a limit.
std::string shortage_text(int error);

// Makes the allocator keep some MiB of freed memory. By default it returns all but 128 KiB to the
// kernel at once, so every read of a long body would fault in the same pages again (mallopt(3)).
void keep_freed_memory();

}  // namespace hpp
