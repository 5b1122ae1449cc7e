#include "ctl/lock_holder.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "common/os/error.h"
#include "common/os/file.h"

namespace hpp::ctl {

std::optional<LockHolder> LockHolder::find(const std::string& lock_path) {
  const auto pid = lock_holder(lock_path);
  if (!pid) return std::nullopt;
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  if (!pidfd.is_open()) return std::nullopt;
  // Between the two lines above it may have ended, and its number been given away. Whoever holds
  // the lock now, under that number, is the one that the descriptor stands for.
  if (lock_holder(lock_path) != pid) return std::nullopt;
  return LockHolder(*pid, std::move(pidfd));
}

bool LockHolder::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd(), number, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  throw_errno(fmt::format("cannot signal pid {}", pid_));
}

bool LockHolder::wait_end(const Deadline& deadline) const {
  pollfd ended{.fd = pidfd(), .events = POLLIN, .revents = 0};
  for (;;) {
    const int count = ::poll(&ended, 1, poll_time(deadline));
    if (count > 0) return true;
    if (count == 0 ? is_over(deadline) : errno != EINTR) return false;
  }
}

}  // namespace hpp::ctl
