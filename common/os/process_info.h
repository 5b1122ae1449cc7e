// What /proc shows of one process (proc(5)).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// The ids of all processes.
std::vector<pid_t> all_processes();

struct ProcessStat {
  pid_t parent = 0;
  bool is_dead = false;  // all its threads have ended, so that it holds no descriptor or memory
  // The exit status of a dead process, in the format of waitpid(2). Set only if we may trace it.
  int status = 0;
};

// Nothing if there is no such process.
std::optional<ProcessStat> process_stat(pid_t pid);

// 0 if there is no such process.
pid_t parent_of(pid_t pid);

// Returns the exit status of a zombie, in the format of waitpid(2). Nothing if the process lives or
// has been reaped.
std::optional<int> zombie_status(pid_t pid);

// The process that traces it (ptrace(2)); 0 if none does. A zombie stays until its tracer has seen
// it.
pid_t tracer_of(pid_t pid);

// The functions below see nothing of a process that is dying, or whose user we may not inspect.

// Whether a process was started with this entry, `NAME=value`, in its environment.
bool has_environment(pid_t pid, std::string_view entry);

// Whether it was started with an entry that has this beginning.
bool has_environment_with(pid_t pid, std::string_view beginning);

std::vector<std::string> arguments_of(pid_t pid);

// The name of the file that a process executes, without its directory. (A process may change its
// own name, `comm`.)
std::string program_name_of(pid_t pid);

// Whether the process executes a program of its own by now. A process that `parent` has just forked
// still executes the parent's. If this is true, the environment of the process is complete, too.
bool has_been_executed(pid_t pid, pid_t parent);

// Whether we may not see which program the process executes, although we may be able to kill it: it
// has file capabilities, or has made itself undumpable (prctl(2)).
bool hides_its_program(pid_t pid);

// `pid 1234 (python3 -m http.server 8001)`; without the command if we do not see it.
std::string describe_process(pid_t pid);

}  // namespace hpp
