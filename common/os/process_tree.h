// Other processes, as /proc shows them: descendants of ours, those that carry our tag.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// The environment variable that marks every process of a backend:
// `<run directory>/<instance id>/<generation>`.
constexpr const char* kBackendTag = "HPP_BACKEND";

// The ids of all processes that /proc shows.
std::vector<pid_t> all_processes();

// Makes orphaned descendants become children of this process (PR_SET_CHILD_SUBREAPER), so that
// they can be found and reaped: a double fork does not escape.
void become_subreaper();

// Reaps the children that have ended, except `owned`, whose owners do: those that ended after one
// of them wait until then. Returns whether any child is left, a zombie included. In a subreaper no
// child means no descendant: the only proof that a tree of processes is gone.
bool children_left(const std::vector<pid_t>& owned);

// Reaps every child that has ended, except `spared` (whose owner reaps them). Zombies of adopted
// descendants would otherwise stay.
void reap_adopted(const std::vector<pid_t>& spared);

using IsSpared = std::function<bool(pid_t)>;

bool spare_none(pid_t pid);

// All living descendants of the process `root`, zombies left out, except those that are spared and
// theirs.
std::vector<pid_t> living_descendants(pid_t root, const IsSpared& is_spared = spare_none);

// All descendants of this process that have ended with all their threads and were not reaped,
// except those that are spared and theirs.
std::vector<pid_t> dead_descendants(const IsSpared& is_spared);

// Whether all children of this process are spared, and none has ended. If a subreaper that has
// reaped all ended children (children_left) gets true, it has no descendants but those that are
// spared, and theirs.
bool are_all_spared(const IsSpared& is_spared);

// 0 if there is no such process.
pid_t parent_of(pid_t pid);

// The command line of a process. Empty if it is dying, or not ours to see.
std::vector<std::string> arguments_of(pid_t pid);

// The process that traces it (ptrace(2)); 0: none. A zombie stays until its tracer has seen it.
pid_t tracer_of(pid_t pid);

// Whether a process was started with this entry, `NAME=value`, in its environment.
bool has_environment(pid_t pid, std::string_view entry);

// The name of the file that a process executes, without its directory. (A process may change its
// own name, `comm`.) Empty if it is dying, or not ours to see.
std::string program_name_of(pid_t pid);

// Whether that is a program of its own by now, and not what `parent` has forked a moment ago. Who
// asks this first finds the environment that it was given. No, too, while it dies, or if it is not
// ours to see.
bool has_been_executed(pid_t pid, pid_t parent);

// Whether it is none of ours to see, and yet perhaps to kill: it has file capabilities, or has made
// itself undumpable (prctl(2)).
bool hides_its_program(pid_t pid);

// All living processes of the control group that this one is in (cgroups(7)), this one included.
std::vector<pid_t> processes_of_our_cgroup();

// What HPP_BACKEND begins with in every backend of a run directory, which must exist.
// Throws std::runtime_error, as RunDirectory does.
std::string backend_tag_prefix(const std::string& run_directory);

// All living processes of this user whose environment has HPP_BACKEND starting with `prefix`.
std::vector<pid_t> processes_tagged(std::string_view prefix);

// How a process ended that nobody has reaped yet, as waitpid(2) would store it. Nothing: it lives,
// or is gone for good.
std::optional<int> zombie_status(pid_t pid);

// `pid 1234 (python3 -m http.server 8001)`
std::string describe_process(pid_t pid);

}  // namespace hpp
