// Pipes, and descriptors that do not block.
#pragma once

#include "common/os/unique_fd.h"

namespace hpp {

// A pipe whose ends are both close-on-exec.
struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

// Throws std::system_error.
Pipe make_pipe();

// Sets O_NONBLOCK. Do not use it on a descriptor that other processes share, such as a terminal.
void set_nonblocking(int fd);

}  // namespace hpp
