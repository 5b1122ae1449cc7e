#include "common/os/outlet.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>
#include <utility>

#include "common/os/reopen.h"
#include "common/os/terminal.h"

namespace hpp {
namespace {

using Milliseconds = std::chrono::milliseconds;

// The number of bytes that fit into a pipe that polls as writable (pipe(7)). Every line fits, so
// lines of several processes do not mix.
constexpr std::size_t kPipePiece = PIPE_BUF;
// A pseudoterminal that polls as writable has room for at least 256 bytes, and each LF may become
// two bytes (drivers/tty/tty_buffer.c).
constexpr std::size_t kTerminalPiece = 128;

bool is_writable(int fd, Milliseconds patience) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&entry, 1, static_cast<int>(patience.count())) > 0;
}

// RWF_NOWAIT works for pipes of newer kernels. For other files, pwritev2(2) fails, and write(2) is
// used.
ssize_t write_without_waiting(int fd, std::string_view bytes) {
  iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  constexpr off_t kAtTheEnd = -1;
  const ssize_t written = ::pwritev2(fd, &piece, 1, kAtTheEnd, RWF_NOWAIT);
  if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return written;
  return ::write(fd, bytes.data(), bytes.size());
}

}  // namespace

Outlet::Outlet(int fd) : Outlet(fd, reopen_nonblocking(fd, O_WRONLY)) {}

Outlet::Outlet(int fd, UniqueFd own)
    : target_(fd), own_(std::move(own)), kind_(kind_of(fd, own_.is_open())) {}

Outlet::Kind Outlet::kind_of(int fd, bool has_own) {
  if (has_own) return Kind::Own;

  struct stat info {};

  if (::fstat(fd, &info) != 0) return Kind::Other;
  if (S_ISSOCK(info.st_mode)) return Kind::Socket;
  return S_ISFIFO(info.st_mode) || is_terminal(fd) ? Kind::Shared : Kind::Other;
}

// All bytes pass through the queue, because it records whether a line is incomplete.
void Outlet::write(std::string_view bytes) {
  if (!bytes.empty()) is_mid_line_ = bytes.back() != '\n';
  const bool was_waiting = is_waiting();
  queue_.push(bytes);
  if (was_waiting || flush()) return;
  if (on_waiting_) on_waiting_();
}

void Outlet::write_line(std::string_view line) {
  if (!is_mid_line_) return write(line);
  std::string text(1, '\n');
  text += line;
  write(text);
}

void Outlet::write_control(std::string_view sequence) {
  const bool was_mid_line = is_mid_line_;
  write(sequence);
  is_mid_line_ = was_mid_line;
}

bool Outlet::flush() {
  while (!queue_.is_empty()) {
    const std::size_t written = write_once(queue_.next());
    if (written == 0) return false;
    queue_.pop(written);
  }
  return true;
}

// Returns the number of bytes that were written or must be discarded. 0 means that the destination
// has no room now.
std::size_t Outlet::write_once(std::string_view bytes) const {
  for (;;) {
    ssize_t written = -1;
    switch (kind_) {
      case Kind::Socket:
        written = ::send(target_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
      case Kind::Shared:
        if (!is_writable(target_, Milliseconds{0})) return 0;
        written = write_without_waiting(
            target_, bytes.substr(0, is_terminal(target_) ? kTerminalPiece : kPipePiece));
        break;
      case Kind::Own:
      case Kind::Other:
        written = ::write(fd(), bytes.data(), bytes.size());
        break;
    }
    if (written >= 0) return static_cast<std::size_t>(written);
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) return bytes.size();
  }
}

void Outlet::finish(Milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + patience;
  while (!flush()) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
    if (left <= Milliseconds{0} || !is_writable(fd(), left)) return;
  }
}

}  // namespace hpp
