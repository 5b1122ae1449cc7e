#include "supervisord/core/env_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace hpp::supervisord {
namespace {

constexpr std::string_view kSpaces = " \t\r";

std::string_view stripped(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  return text.substr(0, text.find_last_not_of(kSpaces) + 1);  // npos + 1 is 0
}

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
         });
}

// Returns the text between the quotes at the beginning; nothing if the line ends before that.
std::optional<std::string> quoted(std::string_view text) {
  const char quote = text.front();
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == quote) {
      const std::string_view rest = stripped(text.substr(i + 1));
      if (!rest.empty() && !rest.starts_with('#')) return std::nullopt;
      return value;
    }
    if (c != '\\' || quote == '\'' || i + 1 == text.size()) {
      value += c;
      continue;
    }
    const char escape = text[++i];
    constexpr std::string_view kLiteral = "\\\"$";
    if (escape == 'n') {
      value += '\n';
    } else if (escape == 't') {
      value += '\t';
    } else if (kLiteral.find(escape) != std::string_view::npos) {
      value += escape;
    } else {
      value += {'\\', escape};
    }
  }
  return std::nullopt;
}

std::string unquoted(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool follows_space = i == 0 || kSpaces.find(text[i - 1]) != std::string_view::npos;
    if (text[i] == '#' && follows_space) return std::string(stripped(text.substr(0, i)));
  }
  return std::string(text);
}

// Adds the variable in the line. Returns what is wrong with the line; empty: nothing.
std::string read_line(std::string_view line, EnvText& result) {
  line = stripped(line);
  if (line.empty() || line.starts_with('#')) return "";
  constexpr std::string_view kExport = "export ";
  if (line.starts_with(kExport)) line = stripped(line.substr(kExport.size()));
  const auto sign = line.find('=');
  const std::string_view name = stripped(line.substr(0, std::min(sign, line.size())));
  if (sign == std::string_view::npos || !is_variable_name(name)) return "expected NAME=VALUE";
  const std::string_view text = stripped(line.substr(sign + 1));
  const bool has_quotes = text.starts_with('\'') || text.starts_with('"');
  auto value = has_quotes ? quoted(text) : unquoted(text);
  if (!value) {
    return fmt::format("expected {} at the end of the value of {}", text.front(), name);
  }
  if (value->find('\0') != std::string::npos) return "a value must not contain NUL";
  std::erase_if(result.variables, [name](const auto& other) { return other.first == name; });
  result.variables.emplace_back(name, *std::move(value));
  return "";
}

}  // namespace

EnvText read_env_text(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  EnvText result;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string problem = read_line(text.substr(0, end), result);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (problem.empty()) continue;
    result.problem = fmt::format("line {}: {}", number, problem);
    break;
  }
  return result;
}

}  // namespace hpp::supervisord
