// Shell. Finds and reads the `.watchmanconfig` that holds for a folder.
#pragma once

#include <string>

#include "watchd/core/watchman_config.h"

namespace hpp::watchd {

// Returns what the nearest `.watchmanconfig` says, in `directory` (absolute) or in a folder above
// it; the defaults if there is none. `problem` names the file.
WatchmanConfig watchman_config_of(const std::string& directory);

}  // namespace hpp::watchd
