// Shell. Finds and removes what runs of hpp that have ended have left behind.
#pragma once

#include <string>
#include <vector>

#include "ctl/core/doctor.h"
#include "ctl/options.h"

namespace hpp::ctl {

// Returns the run directories that no hpp uses, and the processes of servers whose hpp does not
// run: of all runs of this user or, with --name or --run-dir, only of that one. Leaves out build
// daemons, the processes that have started this one, and processes of another mount namespace,
// whose run directory has the same path here by chance.
Leftovers find_leftovers(const CtlOptions& options);

// Kills those processes, with the children that they start meanwhile, and removes those
// directories. Returns a line for each process and directory that is gone.
std::vector<std::string> remove_leftovers(const CtlOptions& options);

}  // namespace hpp::ctl
