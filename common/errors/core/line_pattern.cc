#include "common/errors/core/line_pattern.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/read_number.h"

namespace hpp::errors {
namespace {

constexpr std::size_t kDigitsMax = 9;
constexpr std::string_view kLineField = "{line}";
constexpr std::string_view kColumnField = "{column}";
constexpr std::string_view kFileField = "{file}";
constexpr std::string_view kMessageField = "{message}";
constexpr std::string_view kAnyField = "{*}";

bool is_digit_of_number(char c) {
  return c >= '0' && c <= '9';
}

// Where the next field that stands for a text begins in the pattern; its size if there is none.
std::size_t next_text_field(std::string_view pattern) {
  std::size_t next = pattern.size();
  for (const std::string_view field : {kFileField, kMessageField, kAnyField}) {
    next = std::min(next, pattern.find(field));
  }
  return next;
}

class LineMatch {
 public:
  explicit LineMatch(std::string_view line) : line_(line) {}

  std::optional<LineParts> with(std::string_view pattern) {
    std::size_t at = 0;
    while (!pattern.empty()) {
      const std::string_view field = take_text_field(pattern);
      const std::string_view fixed = pattern.substr(0, next_text_field(pattern));
      pattern.remove_prefix(fixed.size());
      const bool is_last = pattern.empty();
      if (field.empty() ? !match_fixed(fixed, at, is_last)
                        : !match_text(field, fixed, at, is_last)) {
        return std::nullopt;
      }
    }
    return at == line_.size() ? std::optional(parts_) : std::nullopt;
  }

 private:
  static std::string_view take_text_field(std::string_view& pattern) {
    for (const std::string_view field : {kFileField, kMessageField, kAnyField}) {
      if (!pattern.starts_with(field)) continue;
      pattern.remove_prefix(field.size());
      return field;
    }
    return {};
  }

  // Matches literal characters and numbers at `at`, which becomes their end.
  bool match_fixed(std::string_view fixed, std::size_t& at, bool must_end) {
    std::size_t end = at;
    while (!fixed.empty()) {
      if (fixed.starts_with(kLineField)) {
        fixed.remove_prefix(kLineField.size());
        if (!match_number(end, parts_.line)) return false;
      } else if (fixed.starts_with(kColumnField)) {
        fixed.remove_prefix(kColumnField.size());
        if (!match_number(end, parts_.column)) return false;
      } else {
        if (end >= line_.size() || line_[end] != fixed.front()) return false;
        fixed.remove_prefix(1);
        ++end;
      }
    }
    if (must_end && end != line_.size()) return false;
    at = end;
    return true;
  }

  bool match_number(std::size_t& at, std::uint64_t& number) {
    const auto begin = line_.begin() + static_cast<std::ptrdiff_t>(at);
    const auto size =
        static_cast<std::size_t>(std::find_if_not(begin, line_.end(), is_digit_of_number) - begin);
    const auto value = read_number<std::uint64_t>(line_.substr(at, size));
    if (size > kDigitsMax || !value) return false;
    number = *value;
    at += size;
    return true;
  }

  // Matches a text and the characters after it. Their first place is always right, because the next
  // text could only become shorter with a later one.
  bool match_text(std::string_view field, std::string_view fixed, std::size_t& at, bool must_end) {
    const std::size_t begin = at;
    std::size_t end = begin + (field == kAnyField ? 0 : 1);
    if (fixed.empty()) {
      end = std::max(end, line_.size());
    }
    for (; end <= line_.size(); ++end) {
      std::size_t after = end;
      if (!match_fixed(fixed, after, must_end)) continue;
      set_text(field, line_.substr(begin, end - begin));
      at = after;
      return true;
    }
    return false;
  }

  void set_text(std::string_view field, std::string_view text) {
    if (field == kFileField) parts_.file = text;
    if (field == kMessageField) parts_.message = text;
  }

  std::string_view line_;
  LineParts parts_;
};

}  // namespace

std::optional<LineParts> match_line(std::string_view pattern, std::string_view line) {
  return LineMatch(line).with(pattern);
}

}  // namespace hpp::errors
