#include "common/os/process_handle.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace hpp {
namespace {

// PIDFD_SIGNAL_PROCESS_GROUP. Defined here, because linux/pidfd.h is often older than the kernel.
constexpr unsigned kProcessGroup = 1U << 2;

// Returns 0 or an errno value.
int send_signal(int pidfd, int number, unsigned flags) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, flags) == 0 ? 0 : errno;
}

}  // namespace

int signal_process(int pidfd, int number) {
  return send_signal(pidfd, number, 0);
}

bool ProcessHandle::has_ended() const {
  pollfd entry{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

ProcessHandle open_process(pid_t pid) {
  return {.pid = pid, .pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))};
}

std::optional<std::vector<ProcessHandle>> open_processes(const FindProcesses& find) {
  const std::vector<pid_t> found = find();
  if (found.empty()) return std::nullopt;
  std::vector<ProcessHandle> opened;
  for (const pid_t pid : found) {
    ProcessHandle process = open_process(pid);
    if (process.pidfd.is_open()) opened.push_back(std::move(process));
  }
  const std::vector<pid_t> again = find();
  std::erase_if(opened, [&](const ProcessHandle& process) {
    return std::find(again.begin(), again.end(), process.pid) == again.end();
  });
  return opened;
}

bool signal_processes(const FindProcesses& find, int number) {
  const auto opened = open_processes(find);
  if (!opened) return false;
  for (const ProcessHandle& process : *opened) process.signal(number);
  return true;
}

int ProcessGroup::send(int number) const {
  const int error = send_signal(leader_.pidfd.get(), number, kProcessGroup);
  if (error != EINVAL) return error;
  return ::kill(-leader_.pid, number) == 0 ? 0 : errno;
}

bool ProcessGroup::is_gone() const {
  return send(0) == ESRCH;
}

}  // namespace hpp
