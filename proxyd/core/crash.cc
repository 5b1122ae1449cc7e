#include "proxyd/core/crash.h"

#include <fmt/format.h>

#include "common/take_until.h"

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

std::vector<SourceLine> source_lines(const bus::BackendError& error) {
  std::vector<SourceLine> lines;
  std::string_view text = error.source;
  for (std::uint64_t number = error.source_line; !text.empty(); ++number) {
    lines.push_back(
        {.number = number, .text = take_until('\n', text), .is_error = number == error.line});
  }
  return lines;
}

std::string source_text(const bus::BackendError& error) {
  std::string text;
  for (const SourceLine& line : source_lines(error)) {
    text += fmt::format("{} {:>5} | {}\n", line.is_error ? '>' : ' ', line.number, line.text);
  }
  return text;
}

std::string_view failure_name(const bus::BackendState& backend) {
  return backend.failure == bus::Failure::None ? "crashed" : to_string(backend.failure);
}

}  // namespace hpp::proxyd
