// Shell. Finds this user's running instances of hpp.
#pragma once

#include <string>
#include <vector>

#include "ctl/core/choice.h"
#include "ctl/options.h"

namespace hpp::ctl {

// All running instances, sorted by name: those whose hpp-launch holds the run directory's lock, and
// those whose helpers were started without hpp-launch, by systemd or by hand.
std::vector<Instance> running_instances();

// Returns the instance in options.run_directory or, without that option, the instance that choose()
// picks by name and current directory. Throws Failure if there is none, or if there are
// several; the message lists the running instances.
Instance find_instance(const CtlOptions& options);

// Whether the instance still runs: its hpp-launch or, if it was started without hpp-launch, any of
// its helpers.
bool is_running(const Instance& instance);

// Whether an hpp-launch or any helper uses the run directory, which may be missing.
bool has_running_hpp(const std::string& run_directory);

}  // namespace hpp::ctl
