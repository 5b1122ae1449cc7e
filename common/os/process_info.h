// Reads facts about one process from /proc (proc(5)).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// Returns the pids of all processes.
std::vector<pid_t> all_processes();

struct ProcessStat {
  pid_t parent = 0;
  bool is_dead = false;  // all threads have ended, so the process has no descriptors or memory
  // The exit status of a dead process, in the format of waitpid(2). Set only if this process may
  // trace it.
  int status = 0;
};

// Returns nothing if there is no such process.
std::optional<ProcessStat> process_stat(pid_t pid);

// Returns 0 if there is no such process.
pid_t parent_of(pid_t pid);

// Returns the process and all processes above it, the nearest first.
std::vector<pid_t> with_ancestors(pid_t pid);

// Returns the exit status of a zombie, in the format of waitpid(2). Returns nothing if the process
// lives or has been reaped.
std::optional<int> zombie_status(pid_t pid);

// Returns the process that traces `pid` (ptrace(2)), or 0. A traced zombie remains until its tracer
// has waited for it.
pid_t tracer_of(pid_t pid);

// The functions below return an empty result or false for a process that is ending, or that this
// user may not inspect.

// Whether the environment of the process had the entry `NAME=value` at its start.
bool has_environment(pid_t pid, std::string_view entry);

// Whether the environment of the process had an entry with this beginning at its start.
bool has_environment_with(pid_t pid, std::string_view beginning);

// The value of the variable NAME in the environment that the process had at its start.
std::optional<std::string> environment_value(pid_t pid, std::string_view name);

std::vector<std::string> arguments_of(pid_t pid);

// Returns the name of the file that the process executes, without its directory. `comm` is not
// used, because a process can change it.
std::string program_name_of(pid_t pid);

// Whether the process has called execve(2) since its fork from `parent`. If so, its environment is
// complete, too.
bool has_been_executed(pid_t pid, pid_t parent);

// Whether this process may not read which program `pid` executes. It may still be able to kill it:
// the reason can be file capabilities, or that `pid` has made itself undumpable (prctl(2)).
bool hides_its_program(pid_t pid);

// Returns `pid 1234 (python3 -m http.server 8001)`. The command is left out if it cannot be read.
std::string describe_process(pid_t pid);

}  // namespace hpp
