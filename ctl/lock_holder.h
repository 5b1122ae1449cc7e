// Shell. Finds one of hpp's processes by the lock that it holds, and signals it safely.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/os/unique_fd.h"
#include "ctl/ask.h"

namespace hpp::ctl {

class LockHolder {
 public:
  // Returns the process that holds the lock of that file, or nothing if the file is not locked. A
  // pidfd (pidfd_open(2)) ensures that signal() never reaches another process, even if the pid is
  // reused.
  static std::optional<LockHolder> find(const std::string& lock_path);

  pid_t pid() const { return pid_; }

  // A descriptor that becomes readable when the process has ended. This object keeps it.
  int pidfd() const { return pidfd_.get(); }

  // Sends the signal. Returns false if the process has ended already. Throws std::system_error if
  // the process may not be signalled.
  bool signal(int number) const;

  // Waits until the process has ended. Returns false if the deadline passes first.
  bool wait_end(const Deadline& deadline) const;

 private:
  LockHolder(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_;
  UniqueFd pidfd_;
};

}  // namespace hpp::ctl
