// Pure. Questions about the text of a path.
#pragma once

#include <string_view>

namespace hpp {

// Whether an absolute path is `folder` or lies below it. `folder` must be absolute, without a slash
// at its end unless it is the root directory.
inline bool is_at_or_below(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace hpp
