// Processes by handle (pidfd_open(2)). A process number may belong to another process as soon as
// its owner has been reaped; a handle never does.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "common/os/unique_fd.h"

namespace hpp {

// Sends a signal to the process of a pidfd; 0 only asks. Returns 0 or an errno value: ESRCH if the
// process has ended and was reaped.
int signal_process(int pidfd, int number);

struct ProcessHandle {
  pid_t pid = 0;
  UniqueFd pidfd;

  // As signal_process().
  int signal(int number) const { return signal_process(pidfd.get(), number); }

  // Whether the process has ended with all its threads.
  bool has_ended() const;
};

// Opens a process that cannot have been reaped yet: a child of ours, or one that is known to live.
// Without a descriptor if it cannot be opened.
ProcessHandle open_process(pid_t pid);

using FindProcesses = std::function<std::vector<pid_t>()>;

// Opens the processes that `find` returns. It is called a second time when they are open: what it
// returns again is the process that was opened, or has ended. Returns nothing if the first call
// finds none; an empty list means that all have ended meanwhile, perhaps leaving others.
std::optional<std::vector<ProcessHandle>> open_processes(const FindProcesses& find);

// Sends a signal to the processes that `find` returns, opened like that. Returns false if there
// were none.
bool signal_processes(const FindProcesses& find, int number);

// The process group that a process has begun as its leader (setsid(2)). Its number stays its own
// for as long as it has a member, a zombie included.
class ProcessGroup {
 public:
  // `leader` has not been reaped yet.
  explicit ProcessGroup(ProcessHandle leader) : leader_(std::move(leader)) {}

  pid_t leader() const { return leader_.pid; }

  // Sends a signal to all members at once: one that is about to fork gets it, too. Before Linux 6.9
  // the group can only be named by its number: then the caller must know that it has a member.
  void signal(int number) const { send(number); }

  bool is_gone() const;

 private:
  int send(int number) const;

  ProcessHandle leader_;
};

}  // namespace hpp
