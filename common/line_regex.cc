#include "common/line_regex.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <stdexcept>

namespace hpp {
namespace {

using std::regex_constants::error_type;

// libstdc++'s default way to match is to try one alternative after another. It recurses for each
// character, and may take exponential time. __polynomial follows all alternatives at once.
const auto kFlags = std::regex_constants::ECMAScript | std::regex_constants::nosubs |
                    std::regex_constants::__polynomial;

// Returns the error of an invalid regular expression.
std::optional<error_type> error_of(const std::string& text) {
  try {
    const std::regex valid(text, kFlags);
    return std::nullopt;
  } catch (const std::regex_error& error) {
    return error.code();
  }
}

// std::regex_error has no position. The error is at the last byte of the shortest beginning that
// has the same error, as have all longer ones. Returns its index.
std::size_t position_of(error_type error, const std::string& text) {
  std::size_t size = text.size();
  while (size > 1 && error_of(text.substr(0, size - 1)) == error) --size;
  return size - 1;
}

// The number of the UTF-8 character to which the byte `index` belongs, from 1.
std::ptrdiff_t character(const std::string& text, std::size_t index) {
  const auto is_first = [](char c) { return (c & '\xC0') != '\x80'; };
  return std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                       is_first);
}

// libstdc++ has one code for a parenthesis and for a repetition of nothing.
const char* explain_parenthesis(const std::string& text, std::size_t index) {
  if (text[index] == ')') return "there is no ( for this )";
  if (text[index] != '(') return "there is nothing before it that could be repeated";
  return text.substr(index).starts_with("(?") ? "after (?, there must be :, = or !"
                                              : "the parenthesis is not closed";
}

std::string explain(error_type error, const std::string& text, std::size_t index) {
  switch (error) {
    case std::regex_constants::error_paren:
      return explain_parenthesis(text, index);
    case std::regex_constants::error_brack:
      return "the bracket [ is not closed";
    case std::regex_constants::error_escape:
      return "the escape after the backslash is not complete";
    case std::regex_constants::error_brace:
    case std::regex_constants::error_badbrace:
      return "in braces there must be numbers, as in {2} or {2,5}; a literal brace is \\{";
    case std::regex_constants::error_range:
      return "the range is not from a lower to a higher character; a literal - comes last in [ ]";
    case std::regex_constants::error_ctype:
    case std::regex_constants::error_collate:
      return "there is no character class with this name";
    case std::regex_constants::error_complexity:
      return "there are no back-references such as \\1";
    case std::regex_constants::error_space:
    case std::regex_constants::error_stack:
      return "it repeats too much";
    default:
      return "it is not valid";
  }
}

}  // namespace

struct LineRegex::Compiled {
  std::regex regex;
};

// A search that begins again at each character would take quadratic time. So the expression has a
// beginning that matches anything, and is only tried at the line's beginning.
LineRegex::LineRegex(const std::string& text) {
  const auto error = error_of(text);
  if (!error) {
    compiled_ = std::make_unique<Compiled>(
        Compiled{std::regex(fmt::format(R"([\s\S]*?(?:{}))", text), kFlags)});
    return;
  }
  const std::size_t index = position_of(*error, text);
  throw std::invalid_argument(fmt::format("character {} of {}: {}", character(text, index), text,
                                          explain(*error, text, index)));
}

LineRegex::~LineRegex() = default;
LineRegex::LineRegex(LineRegex&&) noexcept = default;
LineRegex& LineRegex::operator=(LineRegex&&) noexcept = default;

bool LineRegex::matches(std::string_view line) const {
  return std::regex_search(line.begin(), line.end(), compiled_->regex,
                           std::regex_constants::match_continuous);
}

}  // namespace hpp
