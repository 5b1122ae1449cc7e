#include "launch/core/keys.h"

#include <algorithm>

namespace hpp::launch {
namespace {

// Limit for a stored line, in bytes. The rest is dropped: no command is that long.
constexpr std::size_t kLineMax = 64;

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  const auto begin = std::min(line.size(), line.find_first_not_of(kBlank));
  line.remove_prefix(begin);
  return line.substr(0, line.find_last_not_of(kBlank) + 1);
}

Typed::Meaning meaning_of(std::string_view word) {
  using enum Typed::Meaning;
  if (word == "r" || word == "R") return Restart;
  if (word == "h" || word == "H" || word == "?") return Help;
  if (word == "q" || word == "Q") return Quit;
  return Unknown;
}

}  // namespace

std::vector<Typed> Keys::take(std::string_view bytes) {
  std::vector<Typed> lines;
  for (const char c : bytes) {
    if (c != '\n') {
      if (line_.size() < kLineMax) line_ += c;
      continue;
    }
    const std::string_view word = trimmed(line_);
    if (!word.empty()) lines.push_back({meaning_of(word), std::string(word)});
    line_.clear();
  }
  return lines;
}

}  // namespace hpp::launch
