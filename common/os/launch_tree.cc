#include "common/os/launch_tree.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "common/os/process_info.h"
#include "common/os/process_tree.h"
#include "common/program.h"

namespace hpp {
namespace {

bool is_helper(pid_t pid) {
  const auto is_of = [pid](Program helper) {
    return has_environment(pid, fmt::format("{}={}", kHelperTag, program_name(helper)));
  };
  return is_of(Program::Proxyd) || is_of(Program::Watchd);
}

}  // namespace

LaunchTree LaunchTree::of_this_process() {
  return LaunchTree(::getpid());
}

std::optional<LaunchTree> LaunchTree::take_from_environment() {
  const char* const told = ::getenv(kLaunchPid);
  if (told == nullptr) return std::nullopt;
  const std::string_view text(told);
  pid_t root = 0;
  std::from_chars(text.data(), text.data() + text.size(), root);
  ::unsetenv(kLaunchPid);
  if (root <= 0) return std::nullopt;
  return LaunchTree(root);
}

std::pair<std::string, std::string> LaunchTree::environment() const {
  return {kLaunchPid, std::to_string(root_)};
}

std::vector<pid_t> LaunchTree::orphans(const std::vector<pid_t>& own) const {
  // If hpp-launch has ended, its pid may belong to a foreign process by now.
  if (root_ != ::getpid() && root_ != ::getppid()) return {};
  const std::string opened = fmt::format("{}={}", kOpenedTag, root_);
  const auto is_spared = [&](pid_t pid) {
    return std::find(own.begin(), own.end(), pid) != own.end() || is_helper(pid) ||
           program_name_of(pid) == "watchman" || has_environment(pid, opened);
  };
  std::vector<pid_t> found;
  for (const pid_t pid : living_descendants(root_, is_spared)) {
    // hpp-guard is never executed. A helper that was just forked has its tag by the time it is
    // executed. A process that hides its program may be a helper, too (a proxyd that may bind port
    // 80). Only hpp-launch can tell, because its `own` includes every helper.
    const bool counts =
        has_been_executed(pid, root_) || (root_ == ::getpid() && hides_its_program(pid));
    if (counts && !is_spared(pid)) found.push_back(pid);
  }
  return found;
}

}  // namespace hpp
