// Shell. Asks an instance's authors for what they know.
#pragma once

#include <string>

#include "ctl/core/report.h"

namespace hpp::ctl {

// The newest snapshot of each author; from its file where it does not answer within a second.
Snapshots read_snapshots(const std::string& run_directory);

}  // namespace hpp::ctl
