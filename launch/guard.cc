#include "launch/guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>

#include "common/os/backend_tag.h"
#include "common/os/error.h"
#include "common/os/file.h"
#include "common/os/inherited.h"
#include "common/os/pipe.h"
#include "common/os/process_handle.h"
#include "common/os/run_directory.h"
#include "common/os/terminal.h"

namespace hpp::launch {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{5};
// A process that has not died of SIGKILL within this time will not: the guard gives up.
constexpr milliseconds kGiveUp{5'000};

// Whether an hpp-launch that starts in the run directory finds the processes with this tag. If the
// directory was deleted meanwhile, it does not, because the new directory has another id.
bool next_start_finds(const std::string& run_directory, const std::string& tag_prefix) {
  const std::string id = kept_instance_id(run_directory);
  return !id.empty() && tag_prefix.ends_with(fmt::format("/{}/", id));
}

// Kills the processes that `find` returns. Does not kill, and returns false, if a new hpp-launch
// already holds the lock and finds these processes itself: it ends them before it starts a backend.
// Otherwise the guard holds the lock while it kills, so that no hpp-launch can start meanwhile. If
// the run directory was deleted, there is no lock to take.
bool kill_all(const std::string& run_directory, const std::string& tag_prefix,
              const FindProcesses& find) {
  std::optional<FileLock> lock;
  try {
    lock = FileLock::take(AT_FDCWD, run_lock_path(run_directory));
    if (!lock && next_start_finds(run_directory, tag_prefix)) return false;
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::no_such_file_or_directory) return true;  // the caller retries
  }
  signal_processes(find, SIGKILL);
  return true;
}

// The kernel has sent SIGTERM to the helpers. If supervisord is alive, it ends the backend itself
// within stop_time. The guard kills the processes that are left after that.
void end_backend(const std::string& run_directory, const std::string& tag_prefix,
                 const BuildDaemons& daemons, milliseconds stop_time) {
  const auto find = [&] { return daemons.without(processes_tagged(tag_prefix)); };
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  while (Clock::now() - begin < stop_time + kGiveUp) {
    if (find().empty()) return;
    if (Clock::now() - begin > stop_time && !kill_all(run_directory, tag_prefix, find)) return;
    // Polls, because these are not our children: no SIGCHLD reports their end.
    std::this_thread::sleep_for(kPollInterval);
  }
}

// Waits for the next Guard::remember(). Returns false if hpp-launch is gone.
bool take_mode(int line, KeyMode& mode) {
  KeyMode next;
  ssize_t got = 0;
  do {
    got = ::read(line, &next, sizeof next);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof next)) return false;
  mode = next;
  return true;
}

// noexcept: an exception ends the guard. The next hpp-launch then ends what is left.
[[noreturn]] void stand_guard(UniqueFd line, const std::string& run_directory,
                              const std::string& tag_prefix, const BuildDaemons& daemons,
                              milliseconds stop_time) noexcept {
  ::prctl(PR_SET_NAME, "hpp-guard");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGTTOU}) {
    std::signal(signal, SIG_IGN);
  }
  std::signal(SIGCHLD, SIG_DFL);
  // Moves the pipe to stdout's number and closes all other descriptors except the terminal. An
  // inherited lock would stay held, and readers of an inherited pipe would wait for its end.
  ::dup2(line.release(), STDOUT_FILENO);
  close_from(STDOUT_FILENO + 1);
  if (!is_terminal(STDIN_FILENO)) ::close(STDIN_FILENO);
  KeyMode mode;
  while (take_mode(STDOUT_FILENO, mode)) {
  }
  mode.restore(STDIN_FILENO);
  end_backend(run_directory, tag_prefix, daemons, stop_time);
  ::_exit(0);
}

}  // namespace

Guard::Guard(const std::string& run_directory, const std::string& tag_prefix,
             const BuildDaemons& daemons, milliseconds stop_time) {
  Pipe line = make_pipe();
  pid_ = ::fork();
  if (pid_ < 0) throw_errno("cannot fork");
  // The guard needs its own group so that the terminal's Ctrl+C does not reach it and has_rival()
  // does not count it. Both processes set the group, because either may be the first to run.
  ::setpgid(pid_, pid_);
  if (pid_ == 0) {
    line.writer.reset();
    stand_guard(std::move(line.reader), run_directory, tag_prefix, daemons, stop_time);
  }
  line_ = std::move(line.writer);
}

// The write is atomic, because KeyMode is no larger than PIPE_BUF (pipe(7)).
void Guard::remember(const KeyMode& mode) {
  static_assert(std::is_trivially_copyable_v<KeyMode> && sizeof(KeyMode) <= PIPE_BUF);
  [[maybe_unused]] const auto written = ::write(line_.get(), &mode, sizeof mode);
}

Guard::~Guard() {
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace hpp::launch
