// Resolves the symbolic links of a path.
#pragma once

#include <string>

namespace hpp {

// Returns the path without symbolic links. The end of the path may be missing. If it cannot be
// resolved, returns `path` unchanged.
std::string real_path(const std::string& path);

}  // namespace hpp
