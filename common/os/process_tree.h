// Lists and reaps the descendants of this process.
#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

namespace hpp {

// Makes orphaned descendants become children of this process (PR_SET_CHILD_SUBREAPER). Then a
// process cannot escape by a double fork.
void become_subreaper();

// Reaps the children that have ended, except `owned`, which their owners reap. If an owned child
// has ended, only a later call reaps the children that ended after it. Returns whether any child is
// left, a zombie included. In a subreaper, no child means no descendant. That is the only proof
// that a process tree has ended.
bool children_left(const std::vector<pid_t>& owned);

// Reaps every child that has ended, except `spared`, which their owners reap. Without it, zombies
// of adopted descendants would accumulate.
void reap_adopted(const std::vector<pid_t>& spared);

using IsSpared = std::function<bool(pid_t)>;

bool spare_none(pid_t pid);

// Returns all living descendants of the process `root`, without zombies. A spared process is left
// out together with its descendants.
std::vector<pid_t> living_descendants(pid_t root, const IsSpared& is_spared = spare_none);

// Returns all descendants of this process whose threads have all ended and that were not reaped. A
// spared process is left out together with its descendants.
std::vector<pid_t> dead_descendants(const IsSpared& is_spared);

// Whether all children of this process are spared and none has ended. If a subreaper has reaped all
// ended children (children_left()) and gets true, then every descendant is spared or is below a
// spared process. Only the first thread may start and reap children.
bool are_all_spared(const IsSpared& is_spared);

// Returns all living processes of this process's control group (cgroups(7)), including this
// process.
std::vector<pid_t> processes_of_our_cgroup();

}  // namespace hpp
