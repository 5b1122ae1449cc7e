#include "watchd/core/pattern_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/advice/nearest.h"

namespace hpp::watchd {
namespace {

// The first folder of the glob, `src` for `src/**`; empty if the glob has none, or a wildcard in
// it.
std::string first_folder(std::string_view glob) {
  const auto slash = glob.find('/');
  if (slash == std::string_view::npos) return "";
  const std::string_view folder = glob.substr(0, slash);
  return std::string(folder.find_first_of("*?[\\") == std::string_view::npos ? folder : "");
}

}  // namespace

PatternCheck::PatternCheck(const Filter& filter) {
  const auto add = [this](const char* option, const std::vector<std::string>& globs) {
    for (const std::string& glob : globs) {
      if (glob.starts_with('/') || glob.starts_with("../")) continue;
      open_.push_back({.option = option, .glob = glob, .match = Wildmatch(glob)});
    }
  };
  add("--pattern", filter.patterns);
  add("--css", filter.css);
  add("--reload", filter.reload);
}

void PatternCheck::see_file(std::string_view path) {
  std::erase_if(open_, [path](const Open& open) { return open.match.matches(path); });
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  for (Open& open : open_) {
    const bool has_slash = open.glob.find('/') != std::string::npos;
    if (!has_slash && open.match.matches(name)) open.matches_name = true;
  }
}

void PatternCheck::see_folder(std::string_view path) {
  if (path.find('/') == std::string_view::npos) folders_.emplace_back(path);
  for (Open& open : open_) {
    if (open.glob == path || open.glob == std::string(path) + '/') open.is_folder = true;
  }
}

bool PatternCheck::needs(std::string_view folder) const {
  return std::any_of(open_.begin(), open_.end(), [folder](const Open& open) {
    const bool has_slash = open.glob.find('/') != std::string::npos;
    return !has_slash || open.match.may_match_below(folder);
  });
}

std::vector<std::string> PatternCheck::hints() const {
  std::vector<std::string> hints;
  for (const Open& open : open_) {
    const std::string problem = fmt::format("{} '{}' matches no file", open.option, open.glob);
    const std::string folder = first_folder(open.glob);
    const bool is_missing =
        !folder.empty() && std::find(folders_.begin(), folders_.end(), folder) == folders_.end();
    if (open.is_folder) {
      const bool has_slash = open.glob.ends_with('/');
      hints.push_back(fmt::format("{}, because that is a folder. Write {} '{}{}**'", problem,
                                  open.option, open.glob, has_slash ? "" : "/"));
    } else if (open.matches_name) {
      hints.push_back(fmt::format(
          "{} in this folder, and a glob without a slash does not reach others. Write {} '**/{}'",
          problem, open.option, open.glob));
    } else if (is_missing) {
      const auto right = advice::nearest(folder, folders_);
      hints.push_back(fmt::format("{}, because there is no folder {}{}", problem, folder,
                                  right ? fmt::format(". Did you mean {}?", *right) : " yet"));
    } else {
      hints.push_back(fmt::format(
          "{} yet. Globs are relative to the working directory, and ** matches several folders",
          problem));
    }
  }
  return hints;
}

}  // namespace hpp::watchd
