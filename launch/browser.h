// Shell. Opens the site in the user's browser.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "common/event/child.h"
#include "common/event/loop.h"
#include "common/os/launch_tree.h"

namespace hpp::launch {

// Runs xdg-open(1), or the program that the variable BROWSER names. The browser outlives
// hpp-launch.
class Browser {
 public:
  // Both must outlive this.
  Browser(Loop& loop, const LaunchTree& tree) : loop_(loop), tree_(tree) {}

  // Logs a line if no browser can be opened. Does nothing while an earlier call is in progress.
  void open(const std::string& url);

  // The pid of the program that opens the browser; 0: there is none.
  pid_t pid() const { return child_ && child_->is_running() ? child_->pid() : 0; }

 private:
  Loop& loop_;
  const LaunchTree& tree_;
  std::unique_ptr<Child> child_;
};

}  // namespace hpp::launch
