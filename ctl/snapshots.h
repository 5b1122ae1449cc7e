// Shell. Reads the snapshots of an instance's authors.
#pragma once

#include <string>

#include "ctl/core/report.h"

namespace hpp::ctl {

// Returns each author's newest snapshot, read from its file if the author does not respond within a
// second.
Snapshots read_snapshots(const std::string& run_directory);

}  // namespace hpp::ctl
