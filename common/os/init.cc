#include "common/os/init.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "common/os/error.h"
#include "common/os/process_tree.h"

namespace hpp {
namespace {

// In the forked child, the pid of its parent, which is `hpp-parent` or process 1. Otherwise 0. Set
// before the handler that reads it is installed.
pid_t forked_by = 0;

void on_continued(int) {
  const int error = errno;
  resume_parent();
  errno = error;
}

// Whether resume_parent() sent the signal. If the parent passed it back, the two would send SIGCONT
// to each other without end.
bool is_from_child(const siginfo_t& info, pid_t child) {
  return info.si_signo == SIGCONT && info.si_pid == child;
}

// Whether the terminal sent the signal. The child receives such a signal itself, because the
// terminal signals the whole foreground process group. The exception is SIGHUP to a session leader:
// only the leader receives it.
bool is_from_terminal(const siginfo_t& info) {
  if (info.si_code != SI_KERNEL) return false;
  const int number = info.si_signo;
  if (number == SIGHUP) return ::getsid(0) != ::getpid();
  return number == SIGINT || number == SIGQUIT || number == SIGTSTP || number == SIGWINCH;
}

// Stops this process, because the shell waits for it, not for the child. When `fg` continues this
// process, it continues the child.
void stop_like(pid_t child) {
  if (::getpid() == 1) return;
  ::raise(SIGSTOP);
  ::kill(child, SIGCONT);
}

void reap_all(pid_t child) {
  int status = 0;
  for (;;) {
    const pid_t changed = ::waitpid(-1, &status, WNOHANG | WUNTRACED);
    if (changed <= 0) return;
    if (changed != child) continue;
    if (WIFSTOPPED(status)) {
      stop_like(child);
    } else {
      ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
  }
}

// All `signals` must be blocked, so that none is lost and none interrupts.
[[noreturn]] void wait_for_end(pid_t child, const sigset_t& signals) {
  ::prctl(PR_SET_NAME, ::getpid() == 1 ? "hpp-init" : "hpp-parent");
  for (;;) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&signals, &info);
    if (number == SIGCHLD) {
      reap_all(child);
    } else if (number > 0 && !is_from_terminal(info) && !is_from_child(info, child)) {
      ::kill(child, number);
    }
  }
}

// Makes the variables that a service manager has set for the parent apply to this process
// (sd_listen_fds(3), sd_watchdog_enabled(3)).
void take_messages_for(pid_t parent) {
  for (const char* const name : {"LISTEN_PID", "WATCHDOG_PID"}) {
    const char* const value = ::getenv(name);
    if (value != nullptr && std::string(value) == std::to_string(parent)) {
      ::setenv(name, std::to_string(::getpid()).c_str(), 1);
    }
  }
}

}  // namespace

void leave_foreign_processes() {
  const pid_t parent = ::getpid();
  if (parent != 1 && living_descendants(parent).empty()) return;
  std::signal(SIGCHLD, SIG_DFL);  // if SIGCHLD were ignored, the child's end would not be reported
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::fork();
  const int fork_error = errno;
  if (child > 0) wait_for_end(child, all);
  if (child == 0) {
    forked_by = parent;

    struct sigaction action {};

    action.sa_handler = on_continued;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGCONT, &action, nullptr);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) throw_errno("cannot fork", fork_error);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(128 + SIGTERM);  // the parent died before prctl
  take_messages_for(parent);
}

// hpp-guard, a fork of hpp-launch, inherits the handler. It has another parent, so the pids are
// compared.
void resume_parent() {
  if (forked_by != 0 && ::getppid() == forked_by) ::kill(forked_by, SIGCONT);
}

}  // namespace hpp
