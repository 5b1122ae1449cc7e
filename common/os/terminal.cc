#include "common/os/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "common/os/error.h"

namespace hpp {
namespace {

constexpr std::size_t kNameMax = 64;  // bytes of a path such as `/dev/pts/3`

// Output passes unchanged. OPOST is on nevertheless, because the kernel must know the cursor's
// column to erase a typed tab. ONLRET declares that LF returns to column 0 and adds no byte (ONLCR
// would add CR). The user's terminal makes the declaration true.
void set_modes(int slave, int like) {
  termios modes{};
  if (::tcgetattr(slave, &modes) != 0) throw_errno("cannot use a pseudoterminal");
  modes.c_oflag = OPOST | ONLRET;
  modes.c_iflag |= IUTF8;  // the erase key removes a character, not a byte
  termios user{};
  if (::tcgetattr(like, &user) == 0) {
    modes.c_iflag = (modes.c_iflag & ~static_cast<tcflag_t>(IUTF8)) | (user.c_iflag & IUTF8);
    for (const int key : {VEOF, VERASE, VKILL, VLNEXT, VREPRINT, VWERASE}) {
      modes.c_cc[key] = user.c_cc[key];
    }
  }
  ::tcsetattr(slave, TCSANOW, &modes);
}

}  // namespace

bool is_terminal(int fd) {
  return ::isatty(fd) != 0;
}

bool is_able_terminal(int fd) {
  const char* const term = std::getenv("TERM");
  return is_terminal(fd) && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

std::size_t terminal_columns(int fd) {
  constexpr std::size_t kUsual = 80;

  winsize size{};

  if (!is_terminal(fd)) return 0;
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

bool is_same_terminal(int one, int other) {
  struct stat first {};

  struct stat second {};

  return is_terminal(one) && is_terminal(other) && ::fstat(one, &first) == 0 &&
         ::fstat(other, &second) == 0 && first.st_rdev == second.st_rdev;
}

Pty make_pty(int like) {
  UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master.is_open()) throw_errno("cannot open a pseudoterminal");
  char name[kNameMax];
  if (::unlockpt(master.get()) != 0 || ::ptsname_r(master.get(), name, sizeof name) != 0) {
    throw_errno("cannot open a pseudoterminal");
  }
  UniqueFd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave.is_open()) throw_errno("cannot open a pseudoterminal");
  set_modes(slave.get(), like);
  copy_window_size(like, master.get());
  return {.master = std::move(master), .slave = std::move(slave)};
}

void copy_window_size(int from, int to) {
  winsize size{};
  if (::ioctl(from, TIOCGWINSZ, &size) == 0) ::ioctl(to, TIOCSWINSZ, &size);
}

}  // namespace hpp
