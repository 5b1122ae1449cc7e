// Pure. Questions about the text of a path in a project (common/path.h has those about any path).
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

}  // namespace hpp::watchd
