// Pure. Matches a line of output with a pattern such as `{file}:{line}:{column}: error: {message}`.
//
// There are no regular expressions here, because std::regex recurses for each character and would
// exhaust the stack on a long line. A match takes at most the product of both lengths.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hpp::errors {

// The parts of a line that a pattern names. The texts are views of the line.
struct LineParts {
  std::string_view file;
  std::string_view message;
  std::uint64_t line = 0;    // 0: the pattern has no `{line}`
  std::uint64_t column = 0;  // 0: the pattern has no `{column}`
};

// Matches the whole line. `{line}` and `{column}` are numbers of at most nine digits. `{file}` and
// `{message}` are the shortest texts that fit, and not empty; `{*}` is any text, which may be
// empty. Each other character stands for itself. Two fields must not follow each other without a
// character between them, and each field occurs at most once, except `{*}`.
std::optional<LineParts> match_line(std::string_view pattern, std::string_view line);

}  // namespace hpp::errors
