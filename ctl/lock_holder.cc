#include "ctl/lock_holder.h"

#include <fmt/format.h>
#include <poll.h>

#include <cerrno>

#include "common/os/error.h"
#include "common/os/file.h"
#include "common/os/process_handle.h"

namespace hpp::ctl {

std::optional<LockHolder> LockHolder::find(const std::string& lock_path) {
  const auto pid = lock_holder(lock_path);
  if (!pid) return std::nullopt;
  ProcessHandle process = open_process(*pid);
  if (!process.pidfd.is_open()) return std::nullopt;
  // The process may have ended before open_process(), so that its pid belongs to another process.
  // The pidfd refers to the lock's holder if that pid still holds the lock.
  if (lock_holder(lock_path) != pid) return std::nullopt;
  return LockHolder(*pid, std::move(process.pidfd));
}

bool LockHolder::signal(int number) const {
  const int error = signal_process(pidfd(), number);
  if (error == 0) return true;
  if (error == ESRCH) return false;
  throw_errno(fmt::format("cannot signal pid {}", pid_), error);
}

bool LockHolder::wait_end(const Deadline& deadline) const {
  return wait_for(pidfd(), POLLIN, deadline);
}

}  // namespace hpp::ctl
