#include "common/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "common/read_number.h"

namespace hpp {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Limit for the quotation of unexpected text in an error message, in bytes.
constexpr std::size_t kShownMax = 40;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_bare_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

// Tab is the only control character that TOML allows in a string. A CR is only allowed before a LF.
bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7F';
}

void append_utf8(std::string& text, std::uint32_t point) {
  const auto byte = [&text](std::uint32_t bits) { text += static_cast<char>(bits); };
  const auto tail = [&](unsigned shift) { byte(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xC0 | (point >> 6));
  } else if (point < 0x10000) {
    byte(0xE0 | (point >> 12));
    tail(6);
  } else {
    byte(0xF0 | (point >> 18));
    tail(12);
    tail(6);
  }
  tail(0);
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  std::vector<ConfigEntry> read() {
    std::vector<ConfigEntry> entries;
    for (skip_empty_lines(); !rest_.empty(); skip_empty_lines()) {
      ConfigEntry entry = read_entry();
      const auto same = std::find_if(entries.begin(), entries.end(),
                                     [&](const auto& other) { return other.key == entry.key; });
      if (same != entries.end()) {
        throw ConfigError(
            entry.line, fmt::format("'{}' has a value already, in line {}", entry.key, same->line));
      }
      entries.push_back(std::move(entry));
    }
    return entries;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw ConfigError(line_, what); }

  [[noreturn]] void fail_expected(std::string_view what) const {
    if (at_line_end()) fail(fmt::format("expected {}, but the line ends", what));
    const std::string_view found = rest_.substr(0, rest_.find_first_of("\r\n"));
    fail(fmt::format("expected {}, got {}", what, found.substr(0, kShownMax)));
  }

  bool at_line_end() const {
    return rest_.empty() || rest_.starts_with('\n') || rest_.starts_with("\r\n");
  }

  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\n') ++line_;
    return c;
  }

  bool take_if(char c) {
    if (!rest_.starts_with(c)) return false;
    take();
    return true;
  }

  void skip_blanks() {
    while (rest_.starts_with(' ') || rest_.starts_with('\t')) take();
  }

  void skip_comment() {
    if (!rest_.starts_with('#')) return;
    while (!at_line_end()) {
      if (is_control(take())) fail("a comment must not contain control characters other than tabs");
    }
  }

  void skip_empty_lines() {
    for (;;) {
      skip_blanks();
      skip_comment();
      if (rest_.empty() || !at_line_end()) return;
      take_if('\r');
      take();
    }
  }

  ConfigEntry read_entry() {
    if (rest_.starts_with('[')) fail("expected KEY = VALUE: there are no [tables] here");
    ConfigEntry entry{.key = read_key(), .value = {}, .line = line_};
    skip_blanks();
    if (!take_if('=')) fail_expected(fmt::format("'=' after {}", entry.key));
    skip_blanks();
    entry.value = read_value();
    skip_blanks();
    skip_comment();
    if (!at_line_end()) fail_expected("nothing more in this line");
    return entry;
  }

  std::string read_key() {
    if (rest_.starts_with('"') || rest_.starts_with('\'')) return read_string();
    std::string key;
    while (!rest_.empty() && is_bare_key(rest_.front())) key += take();
    if (key.empty()) fail_expected("KEY = VALUE");
    return key;
  }

  ConfigValue read_value() {
    if (rest_.starts_with('"') || rest_.starts_with('\'')) return read_string();
    if (rest_.starts_with('[')) return read_array();
    return read_bare();
  }

  // Reads a value without quotes: true, false, 1, -1, 10_000.
  ConfigValue read_bare() {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\r\n#"));
    ConfigValue value;
    if (word == "true" || word == "false") {
      value = word == "true";
    } else if (const auto number = read_integer(word)) {
      value = *number;
    } else {
      fail_expected("a value: \"text\" (in quotes), a whole number, true, false or [\"text\", …]");
    }
    rest_.remove_prefix(word.size());
    return value;
  }

  static std::optional<std::int64_t> read_integer(std::string_view word) {
    std::string digits;
    for (std::size_t i = 0; i < word.size(); ++i) {
      const bool between = i > 0 && i + 1 < word.size() && is_digit(word[i - 1]);
      if (word[i] == '_' && between && is_digit(word[i + 1])) continue;
      if (word[i] == '+' && i == 0 && word.size() > 1 && is_digit(word[1])) continue;
      digits += word[i];
    }
    const std::string_view unsigned_part =
        std::string_view(digits).substr(digits.starts_with('-') ? 1 : 0);
    if (unsigned_part.size() > 1 && unsigned_part.front() == '0') return std::nullopt;
    return hpp::read_number<std::int64_t>(digits);
  }

  std::vector<std::string> read_array() {
    const std::size_t begin = line_;
    std::vector<std::string> items;
    take();
    for (;;) {
      skip_empty_lines();
      if (take_if(']')) return items;
      if (rest_.empty()) break;
      if (!rest_.starts_with('"') && !rest_.starts_with('\'')) {
        fail_expected("a string in quotes, or ']'");
      }
      items.push_back(read_string());
      skip_empty_lines();
      if (take_if(',')) continue;
      if (rest_.empty()) break;
      if (!rest_.starts_with(']')) fail_expected("',' or ']'");
    }
    throw ConfigError(begin, "expected ']' at the end of the array, but the file ends");
  }

  std::string read_string() {
    const char quote = rest_.front();
    if (rest_.starts_with(std::string(3, quote)))
      fail("strings over several lines are not supported");
    take();
    std::string text;
    while (!at_line_end()) {
      const char c = rest_.front();
      if (is_control(c)) fail("there is a control character in the string");
      take();
      if (c == quote) return text;
      if (c == '\\' && quote == '"') {
        read_escape(text);
      } else {
        text += c;
      }
    }
    fail(fmt::format("expected {} at the end of the string, but the line ends", quote));
  }

  void read_escape(std::string& text) {
    constexpr std::string_view kNames = "btnfr\"\\";
    constexpr std::string_view kMeanings = "\b\t\n\f\r\"\\";
    if (at_line_end()) fail("expected a character after the \\, but the line ends");
    const char name = take();
    const auto at = kNames.find(name);
    if (at != std::string_view::npos) {
      text += kMeanings[at];
    } else if (name == 'u' || name == 'U') {
      append_utf8(text, read_code_point(name == 'u' ? 4 : 8));
    } else {
      fail(
          fmt::format("there is no escape \\{}: expected \\\\ for a backslash, or 'single quotes' "
                      "around it all",
                      name));
    }
  }

  // Rejects NUL, too, because a command's argument cannot contain it.
  std::uint32_t read_code_point(std::size_t size) {
    const std::string_view digits = rest_.substr(0, size);
    std::uint32_t point = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
    const bool is_whole = digits.size() == size && end == digits.data() + size;
    const bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (!is_whole || error != std::errc{} || point == 0 || point > 0x10FFFF || is_surrogate) {
      fail_expected(fmt::format("the {} hexadecimal digits of a Unicode character", size));
    }
    rest_.remove_prefix(size);
    return point;
  }

  std::string_view rest_;
  std::size_t line_ = 1;
};

}  // namespace

std::vector<ConfigEntry> read_config(std::string_view text) {
  return Reader(text).read();
}

}  // namespace hpp
