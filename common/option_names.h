// Pure. The names of an option, from the list in option_list.h.
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

namespace hpp {

// Returns `--pattern` for `-p,--pattern`.
inline std::string long_name(std::string_view names) {
  return std::string(names.substr(names.find("--")));
}

// Returns an option's name in a file: `pattern` for `-p,--pattern`, `bind` for BIND.
inline std::string file_key(std::string_view names) {
  const auto dashes = names.find("--");
  if (dashes != std::string_view::npos) return std::string(names.substr(dashes + 2));
  std::string key(names);
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return key;
}

}  // namespace hpp
