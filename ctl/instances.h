// Shell. Finds the instances of hpp that this user runs.
#pragma once

#include <string>
#include <vector>

#include "ctl/core/choice.h"
#include "ctl/options.h"

namespace hpp::ctl {

// All that are at work now, in the order of their names: those whose hpp-launch holds the run
// directory, and those that systemd or a developer has started without one.
std::vector<Instance> running_instances();

// The one in that run directory, or else the one that is meant by its name or by this folder
// (choose). Throws std::runtime_error that says what runs.
Instance find_instance(const CtlOptions& options);

// Whether it has not ended since it was found: its hpp-launch, or else any of its helpers, is
// there.
bool is_running(const Instance& instance);

}  // namespace hpp::ctl
