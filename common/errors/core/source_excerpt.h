// Pure. Cuts the lines around an error out of a source file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hpp::errors {

constexpr std::uint64_t kLinesBefore = 5;
constexpr std::uint64_t kLinesAfter = 4;
constexpr std::size_t kSourceLineMax = 400;  // bytes of a line that are kept

struct SourceExcerpt {
  std::string text;  // lines, each with a newline at its end; empty: there is no such line
  std::uint64_t first_line = 0;  // number of the first one, from 1

  bool operator==(const SourceExcerpt&) const = default;
};

// Returns the lines around `line`, which counts from 1. Returns nothing of a file that is no text.
SourceExcerpt source_excerpt(std::string_view file, std::uint64_t line);

}  // namespace hpp::errors
