// Shell. Finds the instances of hpp that this user runs.
#pragma once

#include <string>
#include <vector>

#include "ctl/core/choice.h"

namespace hpp::ctl {

// All that are at work now, in the order of their names: those whose hpp-launch holds the run
// directory, and those that systemd or a developer has started without one.
std::vector<Instance> running_instances();

// The one that is meant (choose). Throws std::runtime_error that lists what runs.
Instance find_instance(const std::string& name);

// Whether it has not ended since it was found: its hpp-launch, or else any of its helpers, is
// there.
bool is_running(const Instance& instance);

}  // namespace hpp::ctl
