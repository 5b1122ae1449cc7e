#include "ctl/log_watch.h"

#include <sys/inotify.h>

#include "common/os/error.h"

namespace hpp::ctl {

UniqueFd watch_log(const std::string& run_directory) {
  UniqueFd queue(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!queue.is_open() ||
      ::inotify_add_watch(queue.get(), run_directory.c_str(), IN_MODIFY | IN_CREATE) < 0) {
    throw_errno("cannot follow the output log with inotify (see the sysctls fs.inotify.*)");
  }
  return queue;
}

}  // namespace hpp::ctl
