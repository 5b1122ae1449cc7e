#include "common/errors/core/source_excerpt.h"

#include "common/take_until.h"

namespace hpp::errors {

SourceExcerpt source_excerpt(std::string_view file, std::uint64_t line) {
  if (file.find('\0') != std::string_view::npos) return {};
  const std::uint64_t first = line > kLinesBefore ? line - kLinesBefore : 1;
  SourceExcerpt excerpt;
  std::uint64_t number = 1;
  for (; !file.empty() && number <= line + kLinesAfter; ++number) {
    std::string_view text = take_until('\n', file);
    if (number < first) continue;
    if (text.ends_with('\r')) text.remove_suffix(1);
    excerpt.text.append(text.substr(0, kSourceLineMax)).push_back('\n');
  }
  if (line == 0 || number <= line) return {};
  excerpt.first_line = first;
  return excerpt;
}

}  // namespace hpp::errors
