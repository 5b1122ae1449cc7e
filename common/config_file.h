// Pure. Parses the text of `hpp.toml`, in the subset of TOML 1.0 that options need.
//
// The subset: comments, and `key = value` with a string ("basic" or 'literal'), a decimal integer,
// a boolean, or an array of strings over any number of lines. Tables, dotted keys, dates, floats
// and multi-line strings are rejected, each with an error that names it. CLI11's own reader is not
// used, because it reports no line numbers and misreads a `#` or a comma inside a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hpp {

using ConfigValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

struct ConfigEntry {
  std::string key;
  ConfigValue value;
  std::size_t line = 0;  // the key's line number; the first line is 1

  bool operator==(const ConfigEntry&) const = default;
};

// A syntax error: says what is wrong in which line, and what was expected.
class ConfigError : public std::runtime_error {
 public:
  ConfigError(std::size_t at_line, const std::string& what)
      : std::runtime_error(what), line(at_line) {}

  std::size_t line;
};

// Returns the entries in file order; their keys are unique. Throws ConfigError for the first error.
std::vector<ConfigEntry> read_config(std::string_view text);

}  // namespace hpp
