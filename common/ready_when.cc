#include "common/ready_when.h"

#include <fmt/format.h>

#include <stdexcept>
#include <string_view>

#include "common/advice/nearest.h"
#include "common/line_regex.h"

namespace hpp {
namespace {

constexpr std::string_view kLine = "line:";

// A program's text for people is shorter. The limit bounds the memory and time of a search.
constexpr std::size_t kRegexMax = 1'000;  // bytes

std::string unknown_word(const std::string& text) {
  const std::string problem =
      fmt::format("expected http, tcp, notify or line:REGEX, got '{}'", text);
  if (text.empty()) return problem;
  const std::string right = advice::did_you_mean(text, {"http", "tcp", "notify", "line:"});
  if (!right.empty()) return problem + '.' + right;
  return problem + ". If your server prints that when it is ready, write line: before it";
}

}  // namespace

ReadyWhen parse_ready_when(const std::string& text) {
  using enum ReadyWhen::Is;
  if (text == "http") return {.is = Answer, .regex = {}};
  if (text == "tcp") return {.is = Connection, .regex = {}};
  if (text == "notify") return {.is = Message, .regex = {}};
  if (!text.starts_with(kLine)) {
    throw std::invalid_argument(unknown_word(text));
  }
  std::string regex = text.substr(kLine.size());
  if (regex.empty()) {
    throw std::invalid_argument(
        "the regular expression is missing after line:, as in 'line:Listening on port'");
  }
  if (regex.size() > kRegexMax) {
    throw std::invalid_argument(
        fmt::format("the regular expression is longer than {} bytes", kRegexMax));
  }
  try {
    const LineRegex valid(regex);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(
        fmt::format("the regular expression is not valid at {}", error.what()));
  }
  return {.is = Line, .regex = std::move(regex)};
}

std::string to_string(const ReadyWhen& ready) {
  switch (ready.is) {
    case ReadyWhen::Is::Answer:
      return "http";
    case ReadyWhen::Is::Connection:
      return "tcp";
    case ReadyWhen::Is::Message:
      return "notify";
    case ReadyWhen::Is::Line:
      return fmt::format("{}{}", kLine, ready.regex);
  }
  return "";
}

}  // namespace hpp
