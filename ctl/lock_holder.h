// Shell. A process of hpp's that is found by the lock that it holds, and signalled safely.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/os/unique_fd.h"
#include "ctl/ask.h"

namespace hpp::ctl {

class LockHolder {
 public:
  // The process that holds the lock of that file; nothing: none does. What is signalled later is
  // that process or nobody, whatever becomes of its number (pidfd_open(2)).
  static std::optional<LockHolder> find(const std::string& lock_path);

  pid_t pid() const { return pid_; }

  // Readable when the process has ended.
  int pidfd() const { return pidfd_.get(); }

  // Whether it was there to be signalled. Throws std::system_error if it may not be.
  bool signal(int number) const;

  // Waits until it has ended. Returns false if it has not by then.
  bool wait_end(const Deadline& deadline) const;

 private:
  LockHolder(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_;
  UniqueFd pidfd_;
};

}  // namespace hpp::ctl
