// Shell. Finds the instances of hpp that this user runs.
#pragma once

#include <string>
#include <vector>

#include "ctl/core/choice.h"

namespace hpp::ctl {

// All whose hpp-launch holds its run directory now, in the order of their names.
std::vector<Instance> running_instances();

// The one that is meant (choose). Throws std::runtime_error that lists what runs.
Instance find_instance(const std::string& name);

}  // namespace hpp::ctl
