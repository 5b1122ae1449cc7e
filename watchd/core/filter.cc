#include "watchd/core/filter.h"

#include <algorithm>

#include "common/glob.h"

namespace hpp::watchd {

std::optional<std::string> glob_within(std::string_view project, std::string_view path) {
  if (!path.starts_with(project)) return std::nullopt;
  path.remove_prefix(project.size());
  if (project != "/") {
    if (!path.starts_with('/')) return std::nullopt;
    path.remove_prefix(1);
  }
  if (path.empty()) return std::nullopt;
  return glob_of(path);
}

Concerns::Concerns(const Filter& filter)
    : css_(filter.css.begin(), filter.css.end()),
      reload_(filter.reload.begin(), filter.reload.end()) {}

Concern Concerns::of(std::string_view path) const {
  const auto matches = [&](const Wildmatch& glob) { return glob.matches(path); };
  if (std::any_of(css_.begin(), css_.end(), matches)) return Concern::StyleSheet;
  if (std::any_of(reload_.begin(), reload_.end(), matches)) return Concern::Page;
  return Concern::Backend;
}

}  // namespace hpp::watchd
