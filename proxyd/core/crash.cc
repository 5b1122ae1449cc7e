#include "proxyd/core/crash.h"

namespace hpp::proxyd {

std::string how_it_ended(const bus::BackendState& backend) {
  if (!backend.problem.empty()) return backend.problem;
  return backend.exit ? "it " + to_string(*backend.exit) : "it is not running";
}

std::string_view whole_lines(const bus::BackendState& backend) {
  std::string_view tail = backend.output_tail;
  if (tail.size() >= bus::kOutputTailMax) tail.remove_prefix(tail.find('\n') + 1);
  while (tail.ends_with('\n')) tail.remove_suffix(1);
  return tail;
}

}  // namespace hpp::proxyd
