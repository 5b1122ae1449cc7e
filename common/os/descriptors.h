// Lists the open descriptors of a process (/proc/PID/fd, proc_pid_fd(5)).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace hpp {

struct Descriptor {
  int number = -1;
  // What is open: `/path/to/file`, `socket:[4711]`, `pipe:[4712]`, `anon_inode:inotify`. The kernel
  // appends ` (deleted)` to the path of a removed file.
  std::string target;
};

// Returns nothing if this user may not inspect the process. A process that has ended has none.
std::optional<std::vector<Descriptor>> descriptors_of(pid_t pid);

// Returns O_RDONLY, O_WRONLY or O_RDWR. Returns nothing if the descriptor is closed by now.
std::optional<int> access_of(pid_t pid, const Descriptor& descriptor);

}  // namespace hpp
