#include "watchd/core/scope.h"

#include <algorithm>

#include "common/default_excludes.h"

namespace hpp::watchd {

Scope::Scope(const Filter& filter, std::span<const std::string> ignored)
    : excludes_(filter.excludes.begin(), filter.excludes.end()),
      ignored_(ignored.begin(), ignored.end()) {
  if (!filter.patterns.empty()) {
    for (const auto* globs : {&filter.patterns, &filter.css, &filter.reload}) {
      for (const std::string& glob : *globs) wanted_.emplace_back(glob);
    }
  }
  if (!filter.default_excludes) return;
  for (const char* glob : default_excludes()) excludes_.emplace_back(glob);
}

bool Scope::counts(std::string_view name) const {
  const auto matches = [&](const Wildmatch& glob) { return glob.matches(name); };
  if (!wanted_.empty() && std::none_of(wanted_.begin(), wanted_.end(), matches)) return false;
  return !is_excluded(name);
}

bool Scope::holds_files(std::string_view folder) const {
  if (ignored_.contains(std::string(folder))) return false;
  const auto reaches = [&](const Wildmatch& glob) { return glob.may_match_below(folder); };
  if (!wanted_.empty() && std::none_of(wanted_.begin(), wanted_.end(), reaches)) return false;
  return std::none_of(excludes_.begin(), excludes_.end(),
                      [&](const Wildmatch& glob) { return glob.matches_all_below(folder); });
}

bool Scope::is_excluded(std::string_view name) const {
  return std::any_of(excludes_.begin(), excludes_.end(),
                     [&](const Wildmatch& glob) { return glob.matches(name); });
}

}  // namespace hpp::watchd
