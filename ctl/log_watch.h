// Shell. Notices that the output log of an instance grows.
#pragma once

#include <string>

#include "common/os/unique_fd.h"

namespace hpp::ctl {

// Returns a queue of inotify(7) that is readable when a file of the run directory was written or
// created. Throws std::system_error.
UniqueFd watch_log(const std::string& run_directory);

}  // namespace hpp::ctl
