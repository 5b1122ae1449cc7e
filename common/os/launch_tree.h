// The descendants of hpp-launch: its helpers, their children, and orphans of earlier helpers.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hpp {

// The environment variable that marks hpp-launch's helpers. Its value is the helper's name, such as
// `hpp-watchd`. A helper's children do not inherit it (event/child.h).
constexpr const char* kHelperTag = "HPP_HELPER";

// The environment variable in which hpp-launch passes its pid to the helpers.
constexpr const char* kLaunchPid = "HPP_LAUNCH_PID";

// The environment variable that marks a program which hpp has opened for the user, such as a
// browser. It outlives hpp. Its value is the pid of hpp-launch.
constexpr const char* kOpenedTag = "HPP_OPENED_BY";

// hpp-launch is a subreaper: when a process below it loses its parent, it becomes a child of
// hpp-launch. Therefore the processes of a backend whose supervisord has crashed are found below
// hpp-launch, even if they have no tag and a session of their own (`env -i setsid`).
class LaunchTree {
 public:
  // For hpp-launch, which has no children but its helpers and orphans (init.h).
  static LaunchTree of_this_process();

  // For a helper. Reads the pid of hpp-launch from the environment and removes it there. Returns
  // nothing if the environment has no such pid.
  static std::optional<LaunchTree> take_from_environment();

  pid_t root() const { return root_; }

  // Name and value of the variable that take_from_environment() reads.
  std::pair<std::string, std::string> environment() const;

  // Returns the living descendants that belong to a backend or to an earlier supervisord: all
  // except `own`, the helpers, and the descendants of these. Watchman is excepted, too: it
  // daemonizes and also serves other programs. So are the programs that hpp has opened. The result
  // is empty if hpp-launch has ended.
  std::vector<pid_t> orphans(const std::vector<pid_t>& own) const;

 private:
  explicit LaunchTree(pid_t root) : root_(root) {}

  pid_t root_;
};

}  // namespace hpp
