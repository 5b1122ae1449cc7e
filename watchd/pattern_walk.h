// Shell. Looks in the project for files that the patterns match.
#pragma once

#include <string>
#include <vector>

#include "watchd/core/filter.h"

namespace hpp::watchd {

// Returns a hint for each pattern that matches no file below `directory` (core/pattern_check.h).
// Ends when each pattern has matched a file. Returns nothing if the project is so large that the
// search would take longer than about 50 ms.
std::vector<std::string> hints_on_patterns(const std::string& directory, const Filter& filter);

}  // namespace hpp::watchd
