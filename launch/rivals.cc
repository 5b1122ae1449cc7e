#include "launch/rivals.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "common/os/process_info.h"

namespace hpp::launch {
namespace {

// Whether the process's stdin is the terminal `ours`.
bool reads(pid_t pid, const struct stat& ours) {
  struct stat theirs {};

  return ::stat(fmt::format("/proc/{}/fd/0", pid).c_str(), &theirs) == 0 &&
         S_ISCHR(theirs.st_mode) && theirs.st_rdev == ours.st_rdev;
}

}  // namespace

bool has_rival() {
  struct stat ours {};

  if (::fstat(STDIN_FILENO, &ours) != 0) return false;
  const std::vector<pid_t> above = with_ancestors(::getpid());
  const std::vector<pid_t> all = all_processes();
  return std::any_of(all.begin(), all.end(), [&](pid_t pid) {
    const bool is_other = std::find(above.begin(), above.end(), pid) == above.end();
    return is_other && ::getpgid(pid) == ::getpgrp() && reads(pid, ours);
  });
}

}  // namespace hpp::launch
