#include "common/exit_status.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>

#include "common/signal_names.h"

namespace hpp {

ExitStatus exit_status_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {.by_signal = true, .number = WTERMSIG(wait_status)};
  return {.by_signal = false, .number = WEXITSTATUS(wait_status)};
}

std::string to_string(const ExitStatus& status) {
  if (!status.is_known) return "unknown exit code";
  if (!status.by_signal) return fmt::format("exit code {}", status.number);
  if (signal_name(status.number).empty()) return fmt::format("signal {}", status.number);
  return fmt::format("signal {} ({})", status.number, ::strsignal(status.number));
}

}  // namespace hpp
