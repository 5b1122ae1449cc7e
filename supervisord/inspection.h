// Shell. Looks at what a spare depends on: its processes' descriptors, and files that it may have
// read.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "supervisord/core/file_marks.h"

namespace hpp::supervisord {

// Returns why a spare with these processes must not be used, `listens on port 8001` or `has run.sh
// open`; empty if it may. A shell has its script open, and goes on reading it later. Files below
// `roots`, the watched directories, count, except packages. `handed` is a socket that hpp itself
// has given to the processes, or -1.
std::string problem_of_spare(const std::vector<pid_t>& pids, const std::vector<std::string>& roots,
                             int handed);

// Returns where these processes listen, without repetitions: `port 9000`, `/run/app.sock`.
std::vector<std::string> addresses_of(const std::vector<pid_t>& pids);

// Returns the marks of the files in `directory`, without its subfolders, that a process may read
// early, and of the program `command`.
FileMarks read_marks(const std::string& directory, const std::string& command);

}  // namespace hpp::supervisord
