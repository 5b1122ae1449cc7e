#include "launch/keyboard.h"

#include <unistd.h>

#include <csignal>

#include "common/os/terminal.h"

namespace hpp::launch {
namespace {

// One read; in lines, a terminal gives no more than 4096 bytes.
constexpr std::size_t kReadMax = 4096;
// How often a process in the background looks again, and only if there is something to read.
constexpr Milliseconds kRest{1'000};

}  // namespace

bool Keyboard::is_there() {
  return is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO) && is_terminal(STDERR_FILENO);
}

// SIGTTIN is ignored for the moment between the look and the read, in which the shell may put us
// into the background; the read fails then.
Keyboard::Keyboard(Loop& loop, std::function<void(std::string_view)> on_bytes)
    : on_bytes_(std::move(on_bytes)),
      readable_(loop, STDIN_FILENO, FdWatch::For::Reading, [this] { on_readable(); }),
      rest_(loop, [this] { readable_.start(); }) {
  std::signal(SIGTTIN, SIG_IGN);
  readable_.start();
}

void Keyboard::on_readable() {
  const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
  if (foreground < 0) return readable_.stop();  // the terminal is gone
  char bytes[kReadMax];
  const bool is_ours = foreground == ::getpgrp();
  const ssize_t got = is_ours ? ::read(STDIN_FILENO, bytes, sizeof bytes) : -1;
  if (got < 0) {
    readable_.stop();
    return rest_.start(kRest);
  }
  // Nothing: Ctrl+D on an empty line.
  if (got > 0) on_bytes_(std::string_view(bytes, static_cast<std::size_t>(got)));
}

}  // namespace hpp::launch
