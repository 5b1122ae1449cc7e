// Shell. Tells when a helper has published for the first time.
#pragma once

#include <functional>
#include <string>

#include "common/bus/messages.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"

namespace hpp::launch {

class FirstSnapshot {
 public:
  // Calls `on_there` once, from the loop, when the author of `topic` has written its snapshot file
  // into `run_directory`, which must exist and not hold that file yet.
  // Throws std::system_error if the kernel gives no inotify.
  FirstSnapshot(Loop& loop, const std::string& run_directory, bus::Topic topic,
                std::function<void()> on_there);

 private:
  void look();

  std::string path_;
  std::function<void()> on_there_;
  UniqueFd inotify_;
  FdWatch changed_;
};

}  // namespace hpp::launch
