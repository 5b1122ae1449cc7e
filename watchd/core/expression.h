// Pure. Decides which files count: --pattern, --css, --reload, --exclude and the built-in excludes
// as one Watchman query expression (https://facebook.github.io/watchman/docs/file-query); and whom
// a file concerns.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "watchd/core/wildmatch.h"

namespace hpp::watchd {

// What the user asked to have watched, in globs relative to the watched directory.
struct Filter {
  std::vector<std::string> patterns;  // empty: every file
  std::vector<std::string> excludes;
  std::vector<std::string> css;
  std::vector<std::string> reload;
  bool default_excludes = true;
  bool gitignore = false;         // not what git ignores; of the backend's alone: it was not named
  bool ignore_unchanged = false;  // not what has the content that it had

  bool operator==(const Filter&) const = default;
};

// Files and symbolic links that match a pattern, --css or --reload, and no exclude; those that were
// deleted too, since Watchman remembers what they were. Directories, sockets and pipes never count:
// a directory that matters has files in it, and servers like to put their socket into the project.
nlohmann::json expression_for(const Filter& filter);

// Symbolic links that match no exclude. The patterns are left out, because a link to a folder
// matters if a pattern matches a file below it (outside_links.h).
nlohmann::json links_expression_for(const Filter& filter);

// Whom the change of a file concerns. What --css and --reload have is no business of the backend's,
// whatever the patterns say.
enum class Concern { Backend, StyleSheet, Page };

class Concerns {
 public:
  explicit Concerns(const Filter& filter);

  // `path`: one that the expression has let through.
  Concern of(std::string_view path) const;

 private:
  std::vector<Wildmatch> css_;
  std::vector<Wildmatch> reload_;
};

}  // namespace hpp::watchd
