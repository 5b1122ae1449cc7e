#include "common/event/child.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>

#include "common/manager_variables.h"
#include "common/os/build_daemons.h"
#include "common/os/error.h"
#include "common/os/inherited.h"
#include "common/os/launch_tree.h"
#include "common/os/pipe.h"
#include "common/os/process_handle.h"
#include "common/os/process_info.h"

extern "C" char** environ;

namespace hpp {
namespace {

constexpr std::size_t kDigitsMax = 10;  // the most digits of a pid

// The data that the child needs between vfork and exec, where it must not allocate. The child may
// change this data, although the two processes share their memory until the exec.
struct Prepared {
  std::vector<char*> arguments;
  std::vector<std::string> environment_text;
  std::vector<char*> environment;
  std::vector<int> listen_fds;
  int gate_fd = -1;
  std::vector<std::string> own_pids;  // entries `NAME=`, which only the child can complete
};

// Variables that a service manager has set for this process alone, or hpp-launch for its helpers. A
// child has them only if the request sets them.
constexpr std::string_view kNotInherited[] = {
    kHelperTag,       kLaunchPid,   kBuildLeader,    kGateVariable,  "LISTEN_FDS",
    "LISTEN_FDNAMES", "LISTEN_PID", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
};

using Environment = std::vector<std::pair<std::string, std::string>>;

Environment environment_of(const ChildRequest& request) {
  Environment environment = request.environment;
  if (!request.directory.empty()) environment.emplace_back("PWD", request.directory);
  if (request.gate_fd >= 0) environment.emplace_back(kGateVariable, std::to_string(kGateFd));
  if (request.listen_fds.empty()) return environment;
  std::string names;
  for (const auto& [name, fd] : request.listen_fds) names += (names.empty() ? "" : ":") + name;
  environment.emplace_back("LISTEN_FDS", std::to_string(request.listen_fds.size()));
  environment.emplace_back("LISTEN_FDNAMES", names);
  return environment;
}

std::vector<std::string> pid_variables(const ChildRequest& request) {
  std::vector<std::string> names;
  if (!request.listen_fds.empty()) names.emplace_back("LISTEN_PID");
  if (!request.pid_variable.empty()) names.push_back(request.pid_variable);
  return names;
}

Prepared prepare(const ChildRequest& request) {
  Prepared prepared;
  const Environment added = environment_of(request);
  for (const auto& word : request.command) {
    prepared.arguments.push_back(const_cast<char*>(word.c_str()));
  }
  prepared.arguments.push_back(nullptr);
  for (const auto& [name, value] : added) {
    prepared.environment_text.push_back(name + '=' + value);
  }
  for (char** next = environ; *next != nullptr; ++next) {
    const std::string_view text(*next);
    const std::string_view name = text.substr(0, text.find('='));
    const auto is_name = [name](const auto& other) { return other == name; };
    const bool is_inherited =
        std::none_of(std::begin(kNotInherited), std::end(kNotInherited), is_name) &&
        std::none_of(added.begin(), added.end(),
                     [&](const auto& entry) { return is_name(entry.first); });
    if (is_inherited) prepared.environment.push_back(*next);
  }
  for (auto& text : prepared.environment_text) prepared.environment.push_back(text.data());
  for (const auto& [name, fd] : request.listen_fds) prepared.listen_fds.push_back(fd);
  prepared.gate_fd = request.gate_fd;
  for (const std::string& name : pid_variables(request)) {
    prepared.own_pids.push_back(name + '=' + std::string(kDigitsMax, '\0'));
  }
  for (auto& text : prepared.own_pids) prepared.environment.push_back(text.data());
  prepared.environment.push_back(nullptr);
  return prepared;
}

// From linux/pidfd.h. On many machines, the installed header is older than the kernel.
struct pidfd_info {
  std::uint64_t mask = 0;
  std::uint64_t cgroupid = 0;
  std::uint32_t ids[11] = {};
  std::int32_t exit_code = 0;
};

constexpr std::uint64_t kPidfdInfoExit = 1U << 3;
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, pidfd_info);

void redirect(int from, int to) {
  if (from >= 0 && from != to) ::dup2(from, to);
}

// Runs in the child. Moves `listen_fds` to descriptors 3, 4, …, and `gate_fd` to kGateFd.
// Duplicates them and `report` to higher numbers first, so that none is overwritten. Returns the
// new number of `report`.
int hand_over(Prepared& prepared, int report) {
  const bool has_gate = prepared.gate_fd >= 0;
  if (prepared.listen_fds.empty() && !has_gate) return report;
  const int above = std::max(kListenFdsStart + static_cast<int>(prepared.listen_fds.size()),
                             has_gate ? kGateFd + 1 : 0);
  report = ::fcntl(report, F_DUPFD_CLOEXEC, above);
  if (has_gate) prepared.gate_fd = ::fcntl(prepared.gate_fd, F_DUPFD_CLOEXEC, above);
  for (int& fd : prepared.listen_fds) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
  for (std::size_t i = 0; i < prepared.listen_fds.size(); ++i) {
    ::dup2(prepared.listen_fds[i], kListenFdsStart + static_cast<int>(i));
  }
  if (has_gate) ::dup2(prepared.gate_fd, kGateFd);
  return report;
}

// Runs in the child. Writes its pid into the environment variables that need it.
void complete_own_pids(Prepared& prepared) {
  for (std::string& entry : prepared.own_pids) {
    char* const text = entry.data() + entry.find('=') + 1;
    std::to_chars(text, text + kDigitsMax, ::getpid());
  }
}

// Runs in the child after vfork. May only call async-signal-safe functions, and must not change the
// parent's memory except `prepared`. Writes errno to `report` if the exec fails.
[[noreturn]] void become(const ChildRequest& request, Prepared& prepared, pid_t parent,
                         int report) {
  const bool has_terminal = request.group == ChildRequest::Group::OwnTerminal;
  if (has_terminal || request.group == ChildRequest::Group::OwnSession) ::setsid();
  if (request.group == ChildRequest::Group::OwnGroup) ::setpgid(0, 0);
  if (request.death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, request.death_signal);
    if (::getppid() != parent) ::_exit(127);  // the parent died before the prctl
  }
  redirect(request.stdin_fd, STDIN_FILENO);
  redirect(request.stdout_fd, STDOUT_FILENO);
  redirect(request.stderr_fd, STDERR_FILENO);
  if (has_terminal) ::ioctl(STDIN_FILENO, TIOCSCTTY, 0);
  // Libraries may have opened descriptors without O_CLOEXEC. Needs Linux 5.11.
  close_on_exec_from(STDERR_FILENO + 1);
  report = hand_over(prepared, report);
  complete_own_pids(prepared);

  struct sigaction action {};

  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (request.directory.empty() || ::chdir(request.directory.c_str()) == 0) {
    ::execvpe(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
  }
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
  ::_exit(127);
}

// Starts the child, and returns its pid. Throws if the exec fails. Uses vfork, because this
// function waits for the exec anyway. fork would copy our page tables and later each page
// that either process writes to. That would take longer than the rest of this function.
pid_t start(const ChildRequest& request) {
  Prepared prepared = prepare(request);
  Pipe report = make_pipe();
  const pid_t parent = ::getpid();
  // No signal handler of ours may run in the child, because it would write to our loop's pipes.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::vfork();
  if (pid == 0) become(request, prepared, parent, report.writer.get());
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) throw_errno("cannot fork", fork_error);
  report.writer.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.reader.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof error)) {
    ::waitpid(pid, nullptr, 0);
    throw_errno(request.command[0], error);
  }
  return pid;
}

}  // namespace

Child::Child(Loop& loop, const ChildRequest& request, OnExit on_exit)
    : on_exit_(std::move(on_exit)), pid_(start(request)) {
  running_ = true;
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_.is_open()) {
    const int error = errno;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    throw_errno("cannot watch a process", error);
  }
  exited_ =
      std::make_unique<FdWatch>(loop, pidfd_.get(), FdWatch::For::Reading, [this] { reap(); });
  exited_->start();
}

Child::Child(Loop& loop, UniqueFd pidfd, pid_t pid, OnExit on_exit)
    : on_exit_(std::move(on_exit)), pid_(pid), pidfd_(std::move(pidfd)), running_(true) {
  exited_ = std::make_unique<FdWatch>(loop, pidfd_.get(), FdWatch::For::Reading, [this] {
    running_ = false;
    exited_->stop();
    on_exit_(seen_status());
  });
  exited_->start();
}

// Reads the exit status of a process that is not our child, or that we cannot reap: of a zombie
// from /proc, of a reaped process with an ioctl of Linux 6.15.
ExitStatus Child::seen_status() const {
  pidfd_info info{.mask = kPidfdInfoExit};
  const auto has_told = [&] {
    return ::ioctl(pidfd_.get(), kPidfdGetInfo, &info) == 0 && (info.mask & kPidfdInfoExit) != 0;
  };
  if (has_told()) return exit_status_of(info.exit_code);
  if (const auto status = zombie_status(pid_)) return exit_status_of(*status);
  if (has_told()) return exit_status_of(info.exit_code);  // the process was reaped in between
  return {.is_known = false};
}

void Child::kill(int signal) const {
  if (running_) signal_process(pidfd_.get(), signal);
}

void Child::reap() {
  int status = 0;
  const pid_t reaped = ::waitpid(pid_, &status, WNOHANG);
  running_ = false;
  exited_->stop();
  // The process has ended, so 0 means that a tracer keeps the zombie (ptrace(2)). The zombie's last
  // parent reaps it. ECHILD means that it was reaped elsewhere.
  on_exit_(reaped == pid_ ? exit_status_of(status) : seen_status());
}

}  // namespace hpp
