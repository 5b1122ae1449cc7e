#include "launch/first_snapshot.h"

#include <sys/inotify.h>
#include <unistd.h>

#include "common/bus/endpoints.h"
#include "common/os/error.h"

namespace hpp::launch {

FirstSnapshot::FirstSnapshot(Loop& loop, const std::string& run_directory, bus::Topic topic,
                             std::function<void()> on_there)
    : path_(bus::snapshot_path(run_directory, topic)),
      on_there_(std::move(on_there)),
      inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      changed_(loop, inotify_.get(), FdWatch::For::Reading, [this] { look(); }) {
  // Files are replaced by a rename: replace_file.
  if (!inotify_.is_open() ||
      ::inotify_add_watch(inotify_.get(), run_directory.c_str(), IN_MOVED_TO) < 0) {
    throw_errno("cannot watch the run directory " + run_directory);
  }
  changed_.start();
}

void FirstSnapshot::look() {
  alignas(inotify_event) char events[4096];
  while (::read(inotify_.get(), events, sizeof events) > 0) {
  }
  if (::access(path_.c_str(), F_OK) != 0) return;
  changed_.stop();
  on_there_();
}

}  // namespace hpp::launch
