#include "supervisord/tree_killer.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "common/log.h"
#include "common/os/process_tree.h"

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

// SIGCHLD tells of every death. The rechecks are for those whom no signal concerns: an escaped
// process that lives while its group is still dying, and leftovers, which are not our children.
constexpr milliseconds kRecheckMin{5};
constexpr milliseconds kRecheckMax{100};
// After so long the user is told who does not die (a process in uninterruptible sleep).
constexpr milliseconds kSlow{2'000};

UniqueFd open_process(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool is_over(int pidfd) {
  pollfd entry{.fd = pidfd, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

bool is_group_gone(pid_t group) {
  return group == 0 || (::kill(-group, 0) != 0 && errno == ESRCH);
}

}  // namespace

TreeKiller::TreeKiller(Loop& loop, std::string tag_prefix, std::function<void()> on_gone)
    : tag_prefix_(std::move(tag_prefix)),
      on_gone_(std::move(on_gone)),
      inherited_(living_descendants()),
      child_signal_(loop, {SIGCHLD}, [this](int) { look(); }),
      recheck_(loop, [this] { on_recheck(); }) {
  become_subreaper();
}

void TreeKiller::kill() {
  killing_ = true;
  slow_told_ = false;
  begun_ = std::chrono::steady_clock::now();
  recheck_after_ = kRecheckMin;
  // The kernel delivers this to the whole group at once: a member that is about to fork dies too.
  if (first_ != 0) ::kill(-first_, SIGKILL);
  recheck_.start(recheck_after_);
  look();
}

void TreeKiller::look() {
  const bool children = children_left(first_);
  if (!killing_ || (leftovers_possible_ && kill_leftovers())) return;
  if (!children) return finish();
  if (!is_group_gone(first_) || kill_escaped() || inherited_.empty()) return;
  // With children that are not the backend's there is no proof but /proc; and one look at it may
  // miss who loses its parent meanwhile.
  if (!kill_escaped()) finish();
}

// Returns whether some were left. A process that dies loses its environment, and with it the tag,
// before it closes its sockets: those that were found once are waited for.
bool TreeKiller::kill_leftovers() {
  for (const pid_t pid : processes_tagged(tag_prefix_)) {
    const auto is_same = [pid](const Leftover& l) { return l.pid == pid; };
    if (std::any_of(leftovers_.begin(), leftovers_.end(), is_same)) continue;
    log::debug("killing what an earlier supervisord left: {}", describe_process(pid));
    UniqueFd pidfd = open_process(pid);
    ::kill(pid, SIGKILL);
    if (pidfd.is_open()) leftovers_.push_back({.pid = pid, .pidfd = std::move(pidfd)});
  }
  std::erase_if(leftovers_, [](const Leftover& l) { return is_over(l.pidfd.get()); });
  return !leftovers_.empty();
}

// Returns whether some were found.
bool TreeKiller::kill_escaped() {
  const std::vector<pid_t> escaped = living_descendants(inherited_);
  for (const pid_t pid : escaped) ::kill(pid, SIGKILL);
  if (!escaped.empty()) log::debug("sent SIGKILL to {} descendants one by one", escaped.size());
  return !escaped.empty();
}

void TreeKiller::on_recheck() {
  recheck_after_ = std::min(recheck_after_ * 2, kRecheckMax);
  recheck_.start(recheck_after_);
  kill_escaped();
  if (!slow_told_ && std::chrono::steady_clock::now() - begun_ > kSlow) {
    slow_told_ = true;
    for (const pid_t pid : living_descendants(inherited_)) {
      log::warning("still waiting for the end of {}", describe_process(pid));
    }
  }
  look();
}

void TreeKiller::finish() {
  killing_ = false;
  leftovers_possible_ = false;
  recheck_.stop();
  on_gone_();
}

}  // namespace hpp::supervisord
