// Terminals and pipes that we have inherited, and whose open file description we share.
#pragma once

#include "common/os/unique_fd.h"

namespace hpp {

// O_NONBLOCK belongs to the open file description (open(2)), which the user's shell and other
// programs have, too: set on ours, it would make their reads and writes fail. So the terminal or
// pipe `fd` is opened once more, non-blocking and close-on-exec. `access`: O_RDONLY or O_WRONLY.
//
// Not open if `fd` is something else, or if the kernel does not let us: a pipe or terminal of
// another user (su, sudo), unless that is our controlling terminal.
UniqueFd reopen_nonblocking(int fd, int access);

}  // namespace hpp
