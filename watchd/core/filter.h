// Pure. Decides which files count (--pattern, --css, --reload, --exclude and the built-in
// excludes), and whom a file concerns.
#pragma once

#include <span>
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

// The globs that Filter::default_excludes adds to `excludes`.
std::span<const char* const> built_in_excludes();

// Whom the change of a file concerns. What --css and --reload have is no business of the backend's,
// whatever the patterns say.
enum class Concern { Backend, StyleSheet, Page };

class Concerns {
 public:
  explicit Concerns(const Filter& filter);

  // `path`: one that the filter has let through.
  Concern of(std::string_view path) const;

 private:
  std::vector<Wildmatch> css_;
  std::vector<Wildmatch> reload_;
};

}  // namespace hpp::watchd
