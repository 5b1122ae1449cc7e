// Pure. Reads the text of `hpp.toml`: that part of TOML 1.0 which options need.
//
// Lines of `key = value`, where a value is a string ("basic" or 'literal'), a decimal integer, a
// boolean, or an array of strings over any number of lines; and comments. There are no tables, no
// dotted keys, no dates, no floats and no multi-line strings: each is refused in words. CLI11's own
// reader knows no lines, and takes a `#` or a comma inside a string for its own.
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
  std::size_t line = 0;  // where the key stands; the first line is 1

  bool operator==(const ConfigEntry&) const = default;
};

// What is wrong in a line, and what was expected there.
class ConfigError : public std::runtime_error {
 public:
  ConfigError(std::size_t at_line, const std::string& what)
      : std::runtime_error(what), line(at_line) {}

  std::size_t line;
};

// The entries in their order; no key comes twice. Throws ConfigError for the first mistake.
std::vector<ConfigEntry> read_config(std::string_view text);

}  // namespace hpp
