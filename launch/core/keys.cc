#include "launch/core/keys.h"

#include <algorithm>
#include <utility>

namespace hpp::launch {
namespace {

// Limit for a stored line, in bytes. The rest is dropped: no command is that long.
constexpr std::size_t kLineMax = 64;
constexpr char kEscape = '\x1b';
constexpr char kControlL = '\x0c';  // clears the terminal in shells, too

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  const auto begin = std::min(line.size(), line.find_first_not_of(kBlank));
  line.remove_prefix(begin);
  return line.substr(0, line.find_last_not_of(kBlank) + 1);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Typed::Meaning meaning_of(std::string_view word) {
  using enum Typed::Meaning;
  if (word.size() != 1) return Unknown;
  switch (lower(word.front())) {
    case 'r':
      return Restart;
    case 'o':
      return Open;
    case 'u':
      return Urls;
    case 'c':
      return Clear;
    case 'p':
      return Pause;
    case 'h':
    case '?':
      return Help;
    case 'q':
      return Quit;
    default:
      return Unknown;
  }
}

bool is_ignored(char c) {
  const bool is_control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  return is_control && c != '\n' && c != kControlL;
}

}  // namespace

std::vector<Typed> Keys::take(std::string_view bytes) {
  if (mode_ == Mode::Lines) return take_lines(bytes);
  if (bytes.starts_with(kEscape)) return {};
  std::string keys(bytes);
  std::erase_if(keys, is_ignored);
  if (keys.size() == 1) return take_key(keys.front());
  follows_command_ = follows_unknown_ = false;
  std::vector<Typed> lines = take_lines(keys);
  line_.clear();
  return lines;
}

std::vector<Typed> Keys::take_key(char key) {
  const bool follows_command = std::exchange(follows_command_, false);
  const bool follows_unknown = std::exchange(follows_unknown_, false);
  if (key == '\n') {
    if (follows_command) return {};
    return {{Typed::Meaning::Blank, ""}};
  }
  if (key == kControlL) return {{Typed::Meaning::Clear, ""}};
  const std::string word(1, key);
  const auto meaning = meaning_of(word);
  follows_unknown_ = meaning == Typed::Meaning::Unknown;
  follows_command_ = true;
  if (follows_unknown && follows_unknown_) return {};
  return {{meaning, word}};
}

std::vector<Typed> Keys::take_lines(std::string_view bytes) {
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
