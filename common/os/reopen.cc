#include "common/os/reopen.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>

#include "common/os/terminal.h"

namespace hpp {

UniqueFd reopen_nonblocking(int fd, int access) {
  struct stat info {};

  const bool terminal = is_terminal(fd);
  const bool pipe = ::fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode);
  if (!terminal && !pipe) return {};
  const int flags = access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd own(::open(fmt::format("/proc/self/fd/{}", fd).c_str(), flags));
  // Every process may open its controlling terminal as /dev/tty. For any other terminal,
  // tcgetsid(3) fails.
  if (!own.is_open() && terminal && ::tcgetsid(fd) >= 0) own.reset(::open("/dev/tty", flags));
  return own;
}

}  // namespace hpp
