// Pure. Decides which directories outside the project folder are watched (--root, and patterns that
// begin with `../` or `/`), and which of their files count.
//
// A pattern's root is its literal start: `../shared/**/*.py` has the root `../shared`. Patterns,
// --css, --reload and --exclude apply to the name by which the project reaches a file, such as
// `../shared/money.py`. The built-in excludes apply to the path below the root, because the path of
// the root itself may contain a folder like `.cache`.
#pragma once

#include <string>
#include <vector>

#include "watchd/core/filter.h"

namespace hpp::watchd {

// The most directories that are watched, the project folder among them.
constexpr std::size_t kRootsMax = 64;

struct Root {
  std::string prefix;  // the path by which the project reaches it, with a slash at the end; empty:
                       // the project folder
  Filter filter;       // the files that its source reports; relative to the root

  bool operator==(const Root&) const = default;
};

// Returns the project folder and the other roots, each once. A root below another one is left out.
// `project` is the absolute path of the project folder, `given` the values of --root. Throws
// std::invalid_argument if a pattern leads back into the project folder, whose files have other
// names, if a root is `/`, or if there are too many roots.
std::vector<Root> roots_of(const std::string& project, const std::vector<std::string>& given,
                           const Filter& filter);

// Returns the path of a root's directory.
std::string directory_of(const std::string& project, const std::string& prefix);

// Returns the same path without `..` and without a slash at its end. Does not follow links.
std::string path_of_root(const std::string& project, const std::string& prefix);

// Returns what the source of a root outside the project folder reports: every file.
Filter filter_of_other(const Filter& filter);

// Returns what the source of a link's target reports if that is a file: the file alone.
Filter filter_of_file(const std::string& name, const Filter& filter);

}  // namespace hpp::watchd
