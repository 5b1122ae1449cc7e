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

// One read; in lines, a terminal gives no more than this.
constexpr std::size_t kReadMax = 4096;
// How often a process in the background looks again.
constexpr Milliseconds kRest{1'000};

enum class Ground { Fore, Back, Gone };

// Where we are on the terminal.
Ground ground() {
  const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
  if (foreground < 0) return Ground::Gone;
  return foreground == ::getpgrp() ? Ground::Fore : Ground::Back;
}

// As if we had not caught the signal.
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

// SIGTTIN is ignored for the moment between the look and the read, in which the shell may put us
// into the background; the read fails then.
Keyboard::Keyboard(Loop& loop, Use use, Handler handler)
    : use_(use),
      handler_(std::move(handler)),
      own_(reopen_nonblocking(STDIN_FILENO, O_RDONLY)),
      readable_(loop, fd(), FdWatch::For::Reading, [this] { on_readable(); }),
      rest_(loop, [this] { look(); }) {
  std::signal(SIGTTIN, SIG_IGN);
  if (use == Use::Keys) {
    job_signals_.emplace(loop, std::initializer_list<int>{SIGTSTP, SIGCONT},
                         [this](int number) { on_job_signal(number); });
  }
  look();
}

Keyboard::~Keyboard() {
  mode_.restore(STDIN_FILENO);
}

void Keyboard::resume() {
  is_paused_ = false;
  look();
}

// Lines are not looked for before there are some: in the background that costs nothing.
void Keyboard::look() {
  if (use_ == Use::Keys) {
    if (ground() != Ground::Fore) return rest();
    if (mode_.set(STDIN_FILENO)) handler_.on_mode(mode_);
  }
  if (!is_paused_) readable_.start();
}

void Keyboard::rest() {
  readable_.stop();
  if (ground() != Ground::Gone) rest_.start(kRest);
}

void Keyboard::on_readable() {
  if (ground() != Ground::Fore) return rest();
  char bytes[kReadMax];
  const ssize_t got = ::read(fd(), bytes, sizeof bytes);
  if (got < 0 && errno == EAGAIN) return;  // another process has read it
  if (got < 0) return rest();
  if (got == 0) return;  // Ctrl+D on an empty line
  is_paused_ = !handler_.on_bytes(std::string_view(bytes, static_cast<std::size_t>(got)));
  if (is_paused_) readable_.stop();
}

void Keyboard::on_job_signal(int number) {
  if (number == SIGTSTP) {
    mode_.restore(STDIN_FILENO);
    stop_ourselves();
  } else {
    resume_parent();  // libevent's handler has replaced the one of init.cc
  }
  look();
}

}  // namespace hpp::launch
