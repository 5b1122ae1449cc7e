#include "supervisord/core/gate_line.h"

#include <optional>
#include <utility>

#include "common/read_number.h"

namespace hpp::supervisord::gate {
namespace {

// Returns the text before the first blank, and the text after it.
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return {text, {}};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

Line parse_hello(std::string_view fields) {
  const auto [version, rest] = split(fields);
  const auto name = split(rest).first;
  if (version != kVersion || name.empty()) return Unknown{};
  return Hello{std::string(name)};
}

Line parse_env(std::string_view entry) {
  const auto equals = entry.find('=');
  if (equals == std::string_view::npos || equals == 0) return Unknown{};
  return Env{.name = std::string(entry.substr(0, equals)),
             .value = std::string(entry.substr(equals + 1))};
}

Line parse_ready(std::string_view fields) {
  const auto [modules, rest] = split(fields);
  const auto count = read_number<std::uint64_t>(modules);
  const std::string_view time = split(rest).first;
  const auto ms = read_number<std::uint64_t>(time.substr(0, time.find('.')));
  if (!count || !ms) return Unknown{};
  return Ready{.modules = *count, .ms = *ms};
}

}  // namespace

Line parse(std::string_view line) {
  const auto [word, fields] = split(line);
  if (word == "hello") return parse_hello(fields);
  if (word == "env") return parse_env(fields);
  if (word == "refuse" && !fields.empty()) return Refuse{std::string(fields)};
  if (word == "ready") return parse_ready(fields);
  if (word == "go") return Go{};
  if (word == "cold" && !fields.empty()) return Cold{std::string(fields)};
  return Unknown{};
}

}  // namespace hpp::supervisord::gate
