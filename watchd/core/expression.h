// Pure. Decides which files count: --pattern, --exclude and the built-in excludes as one Watchman
// query expression (https://facebook.github.io/watchman/docs/file-query).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace hpp::watchd {

// What the user asked to have watched, in globs relative to the watched directory.
struct Filter {
  std::vector<std::string> patterns;  // empty: every file
  std::vector<std::string> excludes;
  bool default_excludes = true;

  bool operator==(const Filter&) const = default;
};

// Files and symbolic links that match a pattern and no exclude; those that were deleted too, since
// Watchman remembers what they were. Directories, sockets and pipes never count: a directory that
// matters has files in it, and servers like to put their socket into the project.
nlohmann::json expression_for(const Filter& filter);

}  // namespace hpp::watchd
