// Pure. Questions about the text of a path.
#pragma once

#include <string_view>

namespace hpp::watchd {

// Whether a path or glob leads out of the project folder, or is absolute.
inline bool leads_out(std::string_view path) {
  return path.starts_with('/') || path == ".." || path.starts_with("../");
}

// Returns the folder of a path, without a slash at its end; empty: the project folder.
inline std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : path.substr(0, slash);
}

// Whether an absolute path is `folder` or lies below it. `folder` must be absolute, without a slash
// at its end unless it is the root directory.
inline bool is_at_or_below(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace hpp::watchd
