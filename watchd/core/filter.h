// Pure. Decides which files count (--pattern, --css, --reload, --exclude and the built-in
// excludes), and whether a file concerns the backend or browsers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/wildmatch.h"

namespace hpp::watchd {

// The user's options that say which files to watch. Globs are relative to the watched directory.
struct Filter {
  std::vector<std::string> patterns;  // empty: every file
  std::vector<std::string> excludes;
  std::vector<std::string> css;
  std::vector<std::string> reload;
  bool default_excludes = true;
  bool gitignore = false;  // skip the backend's files that git ignores; --css, --reload count
  std::string env_file;    // name of a file that counts although git ignores it; or empty
  bool ignore_unchanged = false;  // skip a file that was saved with the same content

  bool operator==(const Filter&) const = default;
};

// Returns the glob that matches only `path`, relative to `project`. Returns nothing if it is not
// below `project`. Both paths are absolute and without symbolic links.
std::optional<std::string> glob_within(std::string_view project, std::string_view path);

// What a changed file is relevant for. A file that --css or --reload matches does not concern the
// backend, even if --pattern matches it, too.
enum class Concern { Backend, StyleSheet, Page };

class Concerns {
 public:
  explicit Concerns(const Filter& filter);

  // Returns the concern of a file that has passed the filter.
  Concern of(std::string_view path) const;

 private:
  std::vector<Wildmatch> css_;
  std::vector<Wildmatch> reload_;
};

}  // namespace hpp::watchd
