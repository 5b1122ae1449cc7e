// Child processes: start them, know when they end.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/exit_status.h"
#include "common/os/unique_fd.h"

namespace hpp {

struct ChildRequest {
  enum class Group {
    Inherited,    // stays in our process group
    OwnGroup,     // setpgid: the terminal's Ctrl+C does not reach it
    OwnSession,   // setsid: no terminal, own group
    OwnTerminal,  // the same, and stdin, which must be a terminal, becomes the controlling one
  };

  std::vector<std::string> command;  // looked up in PATH
  std::string directory;             // to start in, and for its PWD; empty: ours
  // Added to ours, of which it does not inherit what hpp-launch or systemd has told this process
  // alone (NOTIFY_SOCKET and the like).
  std::vector<std::pair<std::string, std::string>> environment;
  Group group = Group::Inherited;
  int stdin_fd = -1;   // -1: ours
  int stdout_fd = -1;  // -1: ours
  int stderr_fd = -1;  // -1: ours
  // Handed over as descriptors 3, 4, …, with their names, as sd_listen_fds(3) expects it.
  std::vector<std::pair<std::string, int>> listen_fds;
  std::string pid_variable;  // the environment variable that is to have the child's own pid
  int death_signal = 0;      // sent to the child when this process dies (PR_SET_PDEATHSIG); 0: none
};

// One child process. Tells its end once; the zombie is reaped before that, unless a debugger keeps
// it.
// Destroying a Child neither kills nor reaps the process.
class Child {
 public:
  using OnExit = std::function<void(ExitStatus)>;

  // Starts the process. Throws std::system_error if that fails; the code is that of fork(2) or
  // execvp(3): ENOENT if the command does not exist. All signals have their default action and
  // none is blocked in the child; descriptors other than the three and listen_fds are closed
  // (O_CLOEXEC).
  Child(Loop& loop, const ChildRequest& request, OnExit on_exit);

  // Takes over a process that somebody else has started, and reaps. How it ended is told as far as
  // the kernel shows it to others than its parent.
  Child(Loop& loop, UniqueFd pidfd, pid_t pid, OnExit on_exit);

  // For whoever is to take over: the process and no other that gets its number later.
  int pidfd() const { return pidfd_.get(); }

  pid_t pid() const { return pid_; }

  bool is_running() const { return running_; }

  // Sends a signal to the process; nothing happens if it has ended.
  void kill(int signal) const;

 private:
  void reap();
  ExitStatus seen_status() const;

  OnExit on_exit_;
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  bool running_ = false;
  std::unique_ptr<FdWatch> exited_;
};

}  // namespace hpp
