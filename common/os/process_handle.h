// Handles of processes (pidfd_open(2)). The kernel may reuse a pid once its process is reaped. A
// handle always refers to the same process.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "common/os/unique_fd.h"

namespace hpp {

// Sends a signal to the process of a pidfd. Signal 0 only checks that the process exists. Returns 0
// or an errno value, such as ESRCH if the process has ended and was reaped.
int signal_process(int pidfd, int number);

struct ProcessHandle {
  pid_t pid = 0;
  UniqueFd pidfd;

  // See signal_process().
  int signal(int number) const { return signal_process(pidfd.get(), number); }

  // Whether the process has ended with all its threads.
  bool has_ended() const;
};

// Opens a process that cannot have been reaped yet: a child of this process, or a process that is
// known to live. If it cannot be opened, the result has no descriptor.
ProcessHandle open_process(pid_t pid);

using FindProcesses = std::function<std::vector<pid_t>()>;

// Opens the processes that `find` returns. Because a pid may be reused before it is opened, `find`
// is called once more, and only the processes that it returns again are kept. Returns nothing if
// the first call finds none. An empty list means that all have ended meanwhile; they may have left
// children.
std::optional<std::vector<ProcessHandle>> open_processes(const FindProcesses& find);

// Sends a signal to the processes that open_processes(find) returns. Returns false if there were
// none.
bool signal_processes(const FindProcesses& find, int number);

// The process group of a process that has called setsid(2). The kernel does not reuse its number
// while the group has a member, a zombie included.
class ProcessGroup {
 public:
  // `leader` must not have been reaped yet.
  explicit ProcessGroup(ProcessHandle leader) : leader_(std::move(leader)) {}

  pid_t leader() const { return leader_.pid; }

  // Sends a signal to all members at once, so that a member cannot escape by a fork. Kernels before
  // 6.9 can address the group only by its number: there, the caller must know that it has a member.
  void signal(int number) const { send(number); }

  bool is_gone() const;

 private:
  int send(int number) const;

  ProcessHandle leader_;
};

}  // namespace hpp
