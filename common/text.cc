#include "common/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace hpp {

std::string printable(std::string text) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

std::string command_line(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::string files_changed(const std::string& first, std::uint64_t count) {
  const std::string shown = printable(first);
  if (count == 1) return shown + " changed";
  return fmt::format("{} and {} more changed", shown, count - 1);
}

}  // namespace hpp
