#include "launch/keyboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "common/os/init.h"
#include "common/os/reopen.h"
#include "common/os/terminal.h"

namespace hpp::launch {
namespace {

// Limit for one read, in bytes. A terminal in line mode returns at most this much.
constexpr std::size_t kReadMax = 4096;
// How often a background process checks whether it is in the foreground again.
constexpr Milliseconds kBackgroundPoll{1'000};

enum class Ground { Fore, Back, Gone };

// Whether our process group is the terminal's foreground group. Gone: the terminal has hung up.
Ground ground() {
  const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
  if (foreground < 0) return Ground::Gone;
  return foreground == ::getpgrp() ? Ground::Fore : Ground::Back;
}

// Stops this process, as the signal would have done without our handler.
void stop_ourselves() {
  struct sigaction ours {};

  struct sigaction plain {};

  plain.sa_handler = SIG_DFL;
  ::sigaction(SIGTSTP, &plain, &ours);
  ::raise(SIGTSTP);
  ::sigaction(SIGTSTP, &ours, nullptr);
}

}  // namespace

bool Keyboard::is_for_lines() {
  return is_for_keys() && is_terminal(STDERR_FILENO);
}

bool Keyboard::is_for_keys() {
  return is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
}

// Ignores SIGTTIN: the shell may put this process into the background between the check of ground()
// and the read. The read then fails, instead of stopping the process.
Keyboard::Keyboard(Loop& loop, Use use, Handler handler)
    : use_(use),
      handler_(std::move(handler)),
      own_(reopen_nonblocking(STDIN_FILENO, O_RDONLY)),
      readable_(loop, fd(), FdWatch::For::Reading, [this] { on_readable(); }),
      retry_timer_(loop, [this] { start_reading(); }) {
  std::signal(SIGTTIN, SIG_IGN);
  if (use != Use::Lines) {
    job_signals_.emplace(loop, std::initializer_list<int>{SIGTSTP, SIGCONT},
                         [this](int number) { on_job_signal(number); });
  }
  start_reading();
}

Keyboard::~Keyboard() {
  mode_.restore(STDIN_FILENO);
}

void Keyboard::resume() {
  is_paused_ = false;
  start_reading();
}

// For lines, on_readable() checks the foreground, so that a background process does not have to
// poll.
void Keyboard::start_reading() {
  if (use_ != Use::Lines) {
    const auto reader = use_ == Use::Keys ? KeyMode::Reader::Backend : KeyMode::Reader::Hpp;
    if (ground() != Ground::Fore) return retry_later();
    if (mode_.set(STDIN_FILENO, reader)) handler_.on_mode(mode_);
  }
  if (!is_paused_) readable_.start();
}

void Keyboard::retry_later() {
  readable_.stop();
  if (ground() != Ground::Gone) retry_timer_.start(kBackgroundPoll);
}

void Keyboard::on_readable() {
  if (ground() != Ground::Fore) return retry_later();
  char bytes[kReadMax];
  const ssize_t got = ::read(fd(), bytes, sizeof bytes);
  if (got < 0 && errno == EAGAIN) return;  // another process has read it
  if (got < 0) return retry_later();
  if (got == 0) return;  // the user pressed Ctrl+D on an empty line
  is_paused_ = !handler_.on_bytes(std::string_view(bytes, static_cast<std::size_t>(got)));
  if (is_paused_) readable_.stop();
}

void Keyboard::on_job_signal(int number) {
  if (number == SIGTSTP) {
    mode_.restore(STDIN_FILENO);
    stop_ourselves();
  } else {
    resume_parent();  // because libevent's handler has replaced the handler of init.cc
  }
  start_reading();
}

}  // namespace hpp::launch
