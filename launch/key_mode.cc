#include "launch/key_mode.h"

#include <unistd.h>

#include <cstring>

namespace hpp::launch {
namespace {

bool is_same(const termios& one, const termios& other) {
  return one.c_iflag == other.c_iflag && one.c_oflag == other.c_oflag &&
         one.c_cflag == other.c_cflag && one.c_lflag == other.c_lflag &&
         std::memcmp(one.c_cc, other.c_cc, sizeof one.c_cc) == 0;
}

}  // namespace

bool KeyMode::set(int fd, Reader reader) {
  termios now{};
  if (is_set_ || ::tcgetattr(fd, &now) != 0) return false;
  before_ = during_ = now;
  during_.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON);
  if (reader == Reader::Backend) {
    during_.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP |
                                              IXON | IXOFF | PARMRK);
    during_.c_lflag &= ~static_cast<tcflag_t>(IEXTEN);
    during_.c_lflag |= ISIG;
    during_.c_cc[VQUIT] = _POSIX_VDISABLE;
  }
  during_.c_cc[VMIN] = 1;
  during_.c_cc[VTIME] = 0;
  is_set_ = ::tcsetattr(fd, TCSANOW, &during_) == 0;
  ::tcgetattr(fd, &during_);  // restore() compares with what the terminal really accepted
  return is_set_;
}

void KeyMode::restore(int fd) {
  termios now{};
  if (!is_set_ || ::tcgetattr(fd, &now) != 0) return;
  is_set_ = false;
  if (!is_same(now, during_)) return;
  ::tcsetattr(fd, TCSANOW, &before_);
}

}  // namespace hpp::launch
