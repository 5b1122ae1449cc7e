#include "watchd/core/roots.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "common/glob.h"
#include "common/take_until.h"
#include "watchd/core/paths.h"

namespace hpp::watchd {
namespace {

// Returns the path without superfluous parts, and with one slash at its end. Does not follow links.
std::string prefix_of(std::string_view path) {
  std::string prefix = path.starts_with('/') ? "/" : "";
  while (!path.empty()) {
    const std::string_view part = take_until('/', path);
    if (part.empty() || part == ".") continue;
    const bool has_parent = !prefix.empty() && !prefix.ends_with("../");
    if (part == ".." && has_parent) {
      prefix.resize(prefix.size() == 1 ? 1 : prefix.rfind('/', prefix.size() - 2) + 1);
    } else {
      prefix.append(part).push_back('/');
    }
  }
  return prefix;
}

// Returns the folders of a glob up to the first one that is not literal.
std::string literal_start(std::string_view glob) {
  const std::size_t folders = glob.rfind('/', glob.find_first_of("*?[\\"));
  return std::string(glob.substr(0, std::max<std::size_t>(folders, 1)));
}

// Whether `prefix` is `root` or below it. `../../` is not below `../`.
bool is_below(std::string_view prefix, std::string_view root) {
  return prefix.starts_with(root) && !prefix.substr(root.size()).starts_with("../");
}

// Returns the filter for the source of another root, which reports all files except those of the
// project folder, since that folder has a source of its own. Composition drops the files that do
// not count.
Filter filter_of_root(const std::string& project, const std::string& path, const Filter& filter) {
  Filter all = filter_of_other(filter);
  if (project.starts_with(path)) {
    all.excludes.push_back(glob_of(std::string_view(project).substr(path.size())) + "**");
  }
  return all;
}

}  // namespace

std::string directory_of(const std::string& project, const std::string& prefix) {
  if (prefix.empty()) return project;
  return prefix.starts_with('/') ? prefix : project + '/' + prefix;
}

std::string path_of_root(const std::string& project, const std::string& prefix) {
  std::string path = prefix_of(directory_of(project, prefix));
  path.pop_back();
  return path;
}

// Composition drops the files that do not count.
Filter filter_of_other(const Filter& filter) {
  return {.default_excludes = filter.default_excludes, .ignore_unchanged = filter.ignore_unchanged};
}

Filter filter_of_file(const std::string& name, const Filter& filter) {
  return {.patterns = {glob_of(name)},
          .default_excludes = false,
          .ignore_unchanged = filter.ignore_unchanged};
}

std::vector<Root> roots_of(const std::string& project, const std::vector<std::string>& given,
                           const Filter& filter) {
  const std::string folder = prefix_of(project);
  const auto path_of = [&](const std::string& prefix) {
    return prefix_of(directory_of(project, prefix));
  };
  std::vector<std::string> prefixes;
  for (const std::string& root : given) {
    const std::string prefix = prefix_of(root);
    if (!path_of(prefix).starts_with(folder)) prefixes.push_back(prefix);
  }
  for (const auto* globs : {&filter.patterns, &filter.css, &filter.reload}) {
    for (const std::string& glob : *globs) {
      if (!leads_out(glob)) continue;
      const std::string prefix = prefix_of(literal_start(glob));
      if (path_of(prefix).starts_with(folder)) {
        throw std::invalid_argument(fmt::format(
            "the pattern '{}' leads back into the working directory: write it relative to that",
            glob));
      }
      prefixes.push_back(prefix);
    }
  }
  std::sort(prefixes.begin(), prefixes.end());
  if (std::find(prefixes.begin(), prefixes.end(), "/") != prefixes.end()) {
    throw std::invalid_argument("hpp does not watch all of /: give a folder in it");
  }
  std::vector<Root> roots{{.prefix = "", .filter = filter}};
  for (const std::string& prefix : prefixes) {
    if (roots.size() > 1 && is_below(prefix, roots.back().prefix)) continue;
    roots.push_back({prefix, filter_of_root(folder, path_of(prefix), filter)});
  }
  if (roots.size() > kRootsMax) {
    throw std::invalid_argument(
        fmt::format("these are {} directories, but hpp watches at most {}: give a --root that "
                    "contains several of them",
                    roots.size(), kRootsMax));
  }
  return roots;
}

}  // namespace hpp::watchd
