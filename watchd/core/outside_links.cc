#include "watchd/core/outside_links.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "common/default_excludes.h"
#include "common/wildmatch.h"
#include "watchd/core/roots.h"

namespace hpp::watchd {
namespace {

// Files below these are installed by package managers or made by the kernel.
constexpr std::array<std::string_view, 9> kSystemFolders{
    "/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/nix/store/", "/dev/", "/proc/", "/sys/"};

// Exceptions to the list above, for files that developers put there: containers of Node often have
// the project in /usr/src/app.
constexpr std::array<std::string_view, 2> kLocalFolders{"/usr/local/", "/usr/src/"};

template <std::size_t N>
bool is_below_any(std::string_view target, const std::array<std::string_view, N>& folders) {
  return std::any_of(folders.begin(), folders.end(),
                     [&](std::string_view folder) { return target.starts_with(folder); });
}

bool is_of_the_system(std::string_view target) {
  return is_below_any(target, kSystemFolders) && !is_below_any(target, kLocalFolders);
}

// Whether the link is one like `venv/bin/python3`, whose target may be anywhere.
bool is_interpreter(std::string_view name) {
  static const Wildmatch kPython("**/bin/python*");
  return kPython.matches(name);
}

// Whether the built-in excludes leave out the target.
bool is_excluded(const OutsideLink& link, const Filter& filter) {
  const std::string file = link.is_folder ? link.target + "/file" : link.target;
  return filter.default_excludes && is_excluded_by_default(file);
}

bool is_watched(const OutsideLink& link, const Filter& filter) {
  if (filter.patterns.empty()) return true;
  const auto has_it = [&](const std::string& glob) {
    const Wildmatch compiled(glob);
    return compiled.matches(link.name) || (link.is_folder && compiled.may_match_below(link.name));
  };
  for (const auto* globs : {&filter.patterns, &filter.css, &filter.reload}) {
    if (std::any_of(globs->begin(), globs->end(), has_it)) return true;
  }
  return false;
}

}  // namespace

std::vector<OutsideLink> links_that_count(const std::vector<OutsideLink>& links,
                                          const Filter& filter) {
  std::vector<OutsideLink> found;
  std::copy_if(links.begin(), links.end(), std::back_inserter(found), [&](const auto& link) {
    return !is_of_the_system(link.target) && !is_interpreter(link.name) &&
           !is_excluded(link, filter) && is_watched(link, filter);
  });
  return found;
}

std::string outside_warning(const std::vector<OutsideLink>& links) {
  const std::size_t named = std::min(links.size(), kLinksNamedMax);
  std::string names;
  for (std::size_t i = 0; i < named; ++i) {
    const bool is_last = i > 0 && i + 1 == links.size();
    if (i > 0) names += is_last ? " and " : ", ";
    names += fmt::format("{} → {}", links[i].name, links[i].target);
  }
  if (links.size() > named) names += fmt::format(" and {} more", links.size() - named);
  return fmt::format(
      "{} that lead{} out of the project folder: {}. hpp does not see changes there, because it "
      "watches at most {} directories, and none twice. Run hpp-ctl restart after such a change; "
      "--exclude silences this warning",
      links.size() == 1 ? "a symbolic link" : "symbolic links", links.size() == 1 ? "s" : "", names,
      kRootsMax);
}

}  // namespace hpp::watchd
