// What the kernel grants a process.
#pragma once

#include <string>

namespace hpp {

// Allows this process as many file descriptors as it may have: many systems start with 1,024, for
// the sake of programs that use select(2). Children inherit it.
void raise_descriptor_limit();

// Which limit a system call has met that makes a descriptor or a connection, and what to do about
// it, as a clause: "this process has no file descriptor left (its limit is 64); …". Empty if
// `error`, an errno value, is no shortage.
std::string shortage_text(int error);

// Lets this process keep some MiB of freed memory. The allocator gives back all but 128 KiB of it
// at once, and takes it anew, page by page, for every read of a long body (mallopt(3)).
void keep_freed_memory();

}  // namespace hpp
