#include "common/os/init.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "common/os/error.h"

namespace hpp {
namespace {

// Whether the child does not get it anyway: the terminal signals its whole foreground group, and
// the child is in that of process 1.
bool is_from_terminal(const siginfo_t& info) {
  if (info.si_code != SI_KERNEL) return false;
  const int number = info.si_signo;
  return number == SIGINT || number == SIGQUIT || number == SIGTSTP || number == SIGWINCH;
}

void reap_all(pid_t child) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended <= 0) return;
    if (ended != child) continue;
    ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

// `signals` are all blocked, so that none is dropped, and none interrupts.
[[noreturn]] void serve_as_init(pid_t child, const sigset_t& signals) {
  ::prctl(PR_SET_NAME, "hpp-init");
  for (;;) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&signals, &info);
    if (number == SIGCHLD) {
      reap_all(child);
    } else if (number > 0 && !is_from_terminal(info)) {
      ::kill(child, number);
    }
  }
}

// What a manager outside of the container has addressed to process 1 is for us now
// (sd_listen_fds(3), sd_watchdog_enabled(3)).
void take_messages_of_process_1() {
  for (const char* const name : {"LISTEN_PID", "WATCHDOG_PID"}) {
    const char* const value = ::getenv(name);
    if (value != nullptr && std::string(value) == "1") {
      ::setenv(name, std::to_string(::getpid()).c_str(), 1);
    }
  }
}

}  // namespace

void leave_process_1() {
  if (::getpid() != 1) return;
  std::signal(SIGCHLD, SIG_DFL);  // if it were ignored, nothing would tell of the child's end
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::fork();
  const int fork_error = errno;
  if (child > 0) serve_as_init(child, all);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) throw_errno("cannot fork", fork_error);
  take_messages_of_process_1();
}

}  // namespace hpp
