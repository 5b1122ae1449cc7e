// Lists the descendants of this process, and reaps them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

namespace hpp {

// Makes orphaned descendants become children of this process (PR_SET_CHILD_SUBREAPER), so that
// they can be found and reaped: a double fork does not escape.
void become_subreaper();

// Reaps the children that have ended, except `owned`, which their owners reap. If one of those has
// ended, the children that ended after it are reaped by a later call. Returns whether any child is
// left, a zombie included. In a subreaper no child means no descendant: the only proof that a tree
// of processes is gone.
bool children_left(const std::vector<pid_t>& owned);

// Reaps every child that has ended, except `spared` (whose owner reaps them). Zombies of adopted
// descendants would otherwise stay.
void reap_adopted(const std::vector<pid_t>& spared);

using IsSpared = std::function<bool(pid_t)>;

bool spare_none(pid_t pid);

// All living descendants of the process `root`, without zombies. A process that is spared is left
// out together with its descendants.
std::vector<pid_t> living_descendants(pid_t root, const IsSpared& is_spared = spare_none);

// All descendants of this process that have ended with all their threads and were not reaped. A
// process that is spared is left out together with its descendants.
std::vector<pid_t> dead_descendants(const IsSpared& is_spared);

// Whether all children of this process are spared, and none has ended. If a subreaper that has
// reaped all ended children (children_left) gets true, every descendant is spared, or is below a
// process that is.
bool are_all_spared(const IsSpared& is_spared);

// All living processes of the control group of this one (cgroups(7)), this one included.
std::vector<pid_t> processes_of_our_cgroup();

}  // namespace hpp
