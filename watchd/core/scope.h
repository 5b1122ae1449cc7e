// Pure. Decides which names count, for the sources that read directories themselves. For
// Watchman, watchd/watchman/core/expression.h writes these rules as an expression.
//
// A name counts if a pattern, --css or --reload matches it, no exclude does, and no folder of
// `.watchmanconfig` holds it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "common/wildmatch.h"
#include "watchd/core/filter.h"

namespace hpp::watchd {

class Scope {
 public:
  // `ignored`: folders relative to the project folder, such as WatchmanConfig::ignored.
  Scope(const Filter& filter, std::span<const std::string> ignored);

  // Whether a change of this file or symbolic link counts. The folder of `name` must be one that
  // holds_files().
  bool counts(std::string_view name) const;

  // Whether a source lists this symbolic link (LinksListed): it is not excluded.
  bool lists_link(std::string_view name) const { return !is_excluded(name); }

  // Whether a file below `folder` may count. The parent of `folder` must be such a folder, too. If
  // false, the folder need not be read.
  bool holds_files(std::string_view folder) const;

 private:
  bool is_excluded(std::string_view name) const;

  std::vector<Wildmatch> wanted_;  // empty: every name
  std::vector<Wildmatch> excludes_;
  std::unordered_set<std::string> ignored_;
};

}  // namespace hpp::watchd
