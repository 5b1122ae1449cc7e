// Pipes, and descriptors that do not block.
#pragma once

#include "common/os/unique_fd.h"

namespace hpp {

// A pipe, close-on-exec at both ends. Throws std::system_error.
struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Pipe make_pipe();

// Sets O_NONBLOCK. Not for descriptors shared with other processes, such as a terminal.
void set_nonblocking(int fd);

}  // namespace hpp
