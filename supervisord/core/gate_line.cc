#include "supervisord/core/gate_line.h"

#include "common/read_number.h"
#include "common/take_until.h"

namespace hpp::supervisord::gate {
namespace {

Line parse_hello(std::string_view fields) {
  const std::string_view version = take_until(' ', fields);
  const std::string_view name = take_until(' ', fields);
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
  const auto count = read_number<std::uint64_t>(take_until(' ', fields));
  std::string_view time = take_until(' ', fields);
  const auto ms = read_number<std::uint64_t>(take_until('.', time));
  if (!count || !ms) return Unknown{};
  return Ready{.modules = *count, .ms = *ms};
}

}  // namespace

Line parse(std::string_view line) {
  std::string_view fields = line;
  const std::string_view word = take_until(' ', fields);
  if (word == "hello") return parse_hello(fields);
  if (word == "env") return parse_env(fields);
  if (word == "refuse" && !fields.empty()) return Refuse{std::string(fields)};
  if (word == "ready") return parse_ready(fields);
  if (word == "go") return Go{};
  if (word == "cold" && !fields.empty()) return Cold{std::string(fields)};
  if (word == "variable" && !fields.empty()) return Variable{std::string(fields)};
  return Unknown{};
}

}  // namespace hpp::supervisord::gate
