// hpp-launch's descendants: its helpers, what they start, and what lost its parent in a crash.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hpp {

// The environment variable by which hpp-launch's helpers are known; its value is the helper's name,
// `hpp-watchd`. Children of helpers do not inherit it (event/child.h).
constexpr const char* kHelperTag = "HPP_HELPER";

// The environment variable by which helpers are told the pid of hpp-launch.
constexpr const char* kLaunchPid = "HPP_LAUNCH_PID";

// hpp-launch is a subreaper: whoever loses its parent below it becomes its child. So what is left
// of a backend when its supervisord has crashed hangs there, also what has put off all that would
// tell of its origin (`env -i setsid`).
class LaunchTree {
 public:
  // Seen from hpp-launch, which has no other children (init.h).
  static LaunchTree of_this_process();

  // Seen from a helper, by what hpp-launch has told it in the environment, which is taken out of
  // there. Nothing if hpp-launch has told nothing.
  static std::optional<LaunchTree> take_from_environment();

  pid_t root() const { return root_; }

  // What take_from_environment() wants to find: name and value.
  std::pair<std::string, std::string> environment() const;

  // The living descendants that belong to a backend, or to a supervisord that is no more: none of
  // `own`, no helper, and none of their descendants. Not Watchman either, which leaves watchd and
  // serves other programs, too. Nothing if hpp-launch is gone.
  std::vector<pid_t> orphans(const std::vector<pid_t>& own) const;

 private:
  explicit LaunchTree(pid_t root) : root_(root) {}

  pid_t root_;
};

}  // namespace hpp
