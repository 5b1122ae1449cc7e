// Opens an inherited terminal or pipe once more, to read or write it without blocking.
#pragma once

#include "common/os/unique_fd.h"

namespace hpp {

// O_NONBLOCK belongs to the open file description (open(2)), which an inherited descriptor shares
// with the user's shell and other programs. If it were set there, their reads and writes would
// fail. Therefore this function opens the terminal or pipe `fd` once more, non-blocking and
// close-on-exec. `access` is O_RDONLY or O_WRONLY.
//
// The result is not open if `fd` is neither, or if the kernel does not permit it: a pipe or
// terminal of another user (su, sudo), unless it is the controlling terminal of this process.
UniqueFd reopen_nonblocking(int fd, int access);

}  // namespace hpp
