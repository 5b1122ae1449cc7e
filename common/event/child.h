// Starts child processes, and reports when they end.
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

// The descriptor of a gate (docs/gate.rst): above those that programs use by number.
constexpr int kGateFd = 64;
constexpr const char* kGateVariable = "HPP_GATE";

struct ChildRequest {
  enum class Group {
    Inherited,    // the child stays in our process group
    OwnGroup,     // setpgid: the terminal's Ctrl+C does not reach the child
    OwnSession,   // setsid: the child has its own group and no controlling terminal
    OwnTerminal,  // setsid; stdin must be a terminal, and becomes the controlling terminal
  };

  std::vector<std::string> command;  // the program, which is searched in PATH, and its arguments
  std::string directory;             // the working directory, and the value of PWD; empty: ours
  // Variables to add to our environment. The child does not inherit the variables that hpp-launch
  // or systemd has set for this process alone, such as NOTIFY_SOCKET.
  std::vector<std::pair<std::string, std::string>> environment;
  Group group = Group::Inherited;
  int stdin_fd = -1;   // -1: ours
  int stdout_fd = -1;  // -1: ours
  int stderr_fd = -1;  // -1: ours
  // Sockets, with their names, that the child gets as descriptors 3, 4, … (sd_listen_fds(3)).
  std::vector<std::pair<std::string, int>> listen_fds;
  // A socket that the child gets as descriptor kGateFd, with HPP_GATE, and that the programs which
  // it executes inherit; -1: none.
  int gate_fd = -1;
  std::string pid_variable;  // an environment variable to set to the child's own pid; or empty
  int death_signal = 0;      // sent to the child when this process dies (PR_SET_PDEATHSIG); 0: none
};

// One child process. Calls `on_exit` once, when the process has ended and, unless a debugger keeps
// the zombie, was reaped. Destroying a Child neither kills nor reaps the process.
class Child {
 public:
  using OnExit = std::function<void(ExitStatus)>;

  // Starts the process. Throws std::system_error if that fails; the code is that of fork(2) or
  // execvp(3): ENOENT if the command does not exist. In the child, all signals have their default
  // action, and no signal is blocked. All descriptors are closed except stdin, stdout, stderr,
  // listen_fds and gate_fd.
  Child(Loop& loop, const ChildRequest& request, OnExit on_exit);

  // Watches a process that another process has started and reaps. `on_exit` gets its exit status if
  // the kernel reveals it to a process that is not the parent.
  Child(Loop& loop, UniqueFd pidfd, pid_t pid, OnExit on_exit);

  // Returns a descriptor of exactly this process, for a program that takes over its supervision.
  // The pid could be reused.
  int pidfd() const { return pidfd_.get(); }

  pid_t pid() const { return pid_; }

  bool is_running() const { return running_; }

  // Sends a signal to the process; does nothing if the process has ended.
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
