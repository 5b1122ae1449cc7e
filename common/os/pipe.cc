#include "common/os/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/os/error.h"

namespace hpp {

Pipe make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw_errno("cannot make a pipe");
  return {.reader = UniqueFd(fds[0]), .writer = UniqueFd(fds[1])};
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace hpp
