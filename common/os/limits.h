// What the kernel grants a process.
#pragma once

namespace hpp {

// Allows this process as many file descriptors as it may have: many systems start with 1,024, for
// the sake of programs that use select(2). Children inherit it.
void raise_descriptor_limit();

}  // namespace hpp
