// Shell. Finds out where symbolic links lead.
#pragma once

#include <string>
#include <vector>

#include "watchd/core/outside_links.h"

namespace hpp::watchd {

// Returns the links among `names` (paths relative to `directory`) that lead out of `directory`. If
// a link leads to another link, the last target decides, even if it does not exist.
std::vector<OutsideLink> links_outside(const std::string& directory,
                                       const std::vector<std::string>& names);

}  // namespace hpp::watchd
