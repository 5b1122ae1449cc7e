// Shell. Finds out where symbolic links lead.
#pragma once

#include <string>
#include <vector>

#include "watchd/core/outside_links.h"

namespace hpp::watchd {

// Returns the links among `names` (paths relative to `directory`) that lead out of `directory`. The
// end of a link's chain decides, whether or not there is a file.
std::vector<OutsideLink> links_outside(const std::string& directory,
                                       const std::vector<std::string>& names);

}  // namespace hpp::watchd
