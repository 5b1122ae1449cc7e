// Shell. Owns one run of `watchman get-sockname`, which starts Watchman if it does not run.
#pragma once

#include <functional>
#include <memory>

#include "common/event/child.h"
#include "common/event/loop.h"
#include "common/os/pipe.h"
#include "common/os/unique_fd.h"
#include "watchd/watchman/core/pdu.h"

namespace hpp::watchd::watchman {

class SocketSearch {
 public:
  using OnEnd = std::function<void(const SocketName&)>;

  // Throws std::system_error if the command cannot be started: ENOENT if it is not installed.
  // `loop` must outlive the search.
  SocketSearch(Loop& loop, OnEnd on_end);

  // Kills the command if it still runs, and waits for its end.
  ~SocketSearch();

  // Kills the command if it still runs. `on_end` is not called any more. The object deletes itself
  // once the command is reaped.
  static void abandon(std::unique_ptr<SocketSearch> search);

 private:
  void end(ExitStatus status);

  Loop& loop_;
  OnEnd on_end_;
  Pipe output_;
  std::unique_ptr<SocketSearch> self_;  // while abandoned
  std::unique_ptr<Child> child_;
};

}  // namespace hpp::watchd::watchman
