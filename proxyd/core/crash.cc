#include "proxyd/core/crash.h"

#include <fmt/format.h>

namespace hpp::proxyd {

std::string how_it_ended(const bus::BackendState& backend) {
  if (!backend.problem.empty()) return backend.problem;
  if (!backend.exit) return "it is not running";
  if (backend.exit->code) return fmt::format("it ended with exit code {}", *backend.exit->code);
  if (backend.exit->signal) return fmt::format("it was killed by signal {}", *backend.exit->signal);
  if (backend.exit->spawn_error.empty()) return "it ended";
  return fmt::format("it cannot be started: {}", backend.exit->spawn_error);
}

std::string_view whole_lines(const bus::BackendState& backend) {
  std::string_view tail = backend.output_tail;
  if (tail.size() >= bus::kOutputTailMax) tail.remove_prefix(tail.find('\n') + 1);
  while (tail.ends_with('\n')) tail.remove_suffix(1);
  return tail;
}

}  // namespace hpp::proxyd
