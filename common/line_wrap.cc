#include "common/line_wrap.h"

#include <algorithm>

namespace hpp {
namespace {

std::size_t characters(std::string_view text) {
  const auto begins_one = [](char c) { return (c & '\xC0') != '\x80'; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_one));
}

// The number of bytes up to the end of the first word, with the blanks before it.
std::size_t first_word_end(std::string_view text) {
  const auto begin = std::min(text.size(), text.find_first_not_of(' '));
  return std::min(text.size(), text.find(' ', begin));
}

}  // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines{""};
  while (!text.empty()) {
    std::string_view word = text.substr(0, first_word_end(text));
    text.remove_prefix(word.size());
    const bool fits = characters(lines.back()) + characters(word) <= columns;
    if (!fits && !lines.back().empty()) {
      word.remove_prefix(std::min(word.size(), word.find_first_not_of(' ')));
      if (word.empty()) break;  // blanks at the end
      lines.emplace_back();
    }
    lines.back() += word;
  }
  return lines;
}

}  // namespace hpp
