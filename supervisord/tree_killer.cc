#include "supervisord/tree_killer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <utility>

#include "common/log.h"
#include "common/os/process_tree.h"

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

// SIGCHLD tells of every death. The rechecks are for those whom no signal concerns: an escaped
// process that lives while its group is still dying, and leftovers, which are not our children.
constexpr milliseconds kRecheckMin{5};
constexpr milliseconds kRecheckMax{100};
// After so long the user is told which processes do not die: they are in uninterruptible sleep, or
// belong to another user.
constexpr milliseconds kSlow{2'000};

bool is_gone(const std::optional<ProcessGroup>& group) {
  return !group || group->is_gone();
}

}  // namespace

TreeKiller::TreeKiller(Loop& loop, std::string tag_prefix, FindStrays strays, BuildDaemons daemons,
                       Manners manners, std::function<void()> on_gone, OnRefused on_refused)
    : tag_prefix_(std::move(tag_prefix)),
      strays_(std::move(strays)),
      daemons_(std::move(daemons)),
      manners_(manners),
      on_gone_(std::move(on_gone)),
      on_refused_(std::move(on_refused)),
      child_signal_(loop, {SIGCHLD}, [this](int) { look(); }),
      recheck_(loop, [this] { on_recheck(); }),
      patience_(loop, [this] { kill_now(); }) {
  become_subreaper();
}

std::vector<pid_t> TreeKiller::processes() const {
  std::vector<pid_t> found = descendants();
  if (!leftovers_possible_) return found;
  const std::vector<pid_t> more = left_by_others();
  found.insert(found.end(), more.begin(), more.end());
  return found;
}

IsSpared TreeKiller::is_spared() const {
  return [this](pid_t pid) { return daemons_.contain(pid); };
}

std::vector<pid_t> TreeKiller::descendants() const {
  return living_descendants(::getpid(), is_spared());
}

// What an earlier supervisord left: found by its tag, or seen by the service manager.
std::vector<pid_t> TreeKiller::left_by_others() const {
  std::vector<pid_t> found = processes_tagged(tag_prefix_);
  const std::vector<pid_t> strays = strays_();
  found.insert(found.end(), strays.begin(), strays.end());
  return daemons_.without(std::move(found));
}

void TreeKiller::set_first(pid_t first) {
  assert(!first_);
  first_.emplace(open_process(first));
  is_first_owned_ = true;
}

void TreeKiller::first_ended() {
  is_first_owned_ = false;
  forget_first();
}

// The number of a process that was reaped stays reserved as long as its group has members.
void TreeKiller::forget_first() {
  if (first_ && !is_first_owned_ && first_->is_gone()) first_.reset();
}

void TreeKiller::signal_first(int number) const {
  if (first_) first_->signal(number);
}

void TreeKiller::set_builder(pid_t builder) {
  assert(!builder_);
  builder_.emplace(open_process(builder));
}

void TreeKiller::kill() {
  killing_ = true;
  slow_told_ = false;
  recheck_after_ = kRecheckMin;
  recheck_.start(recheck_after_);
  asking_ = manners_.signal != SIGKILL && !is_gone(first_);
  if (!asking_) return kill_now();
  signal_first(manners_.signal);
  patience_.start(manners_.patience);
}

void TreeKiller::kill_now() {
  asking_ = false;
  begun_ = std::chrono::steady_clock::now();
  patience_.stop();
  // Before any group is about to lose its tags.
  if (leftovers_possible_ && first_) kill_leftovers();
  signal_first(SIGKILL);
  if (builder_) builder_->signal(SIGKILL);
  look();
}

void TreeKiller::look() {
  const bool children = children_left(
      {first_ && is_first_owned_ ? first_->leader() : 0, builder_ ? builder_->leader() : 0});
  forget_first();
  if (killing_ && asking_ && is_gone(first_)) return kill_now();
  if (!killing_ || asking_ || (leftovers_possible_ && kill_leftovers())) return;
  if (!children) return finish();
  if (!is_gone(first_) || !is_gone(builder_)) return;
  if (are_all_spared(is_spared())) return finish();
  kill_escaped();
}

void TreeKiller::take_over(pid_t first, UniqueFd pidfd) {
  assert(!first_);
  first_.emplace(
      ProcessHandle{.pid = first, .pidfd = UniqueFd(::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 0))});
  leftovers_.push_back({.pid = first, .pidfd = std::move(pidfd)});
}

std::vector<pid_t> TreeKiller::unknown_leftovers() const {
  std::vector<pid_t> found = left_by_others();
  std::erase_if(found, [this](pid_t pid) {
    const auto is_same = [pid](const ProcessHandle& l) { return l.pid == pid; };
    return std::any_of(leftovers_.begin(), leftovers_.end(), is_same);
  });
  return found;
}

// Returns whether some were left. A process that dies loses its environment, and with it the tag,
// before it closes its sockets: so they are looked for before any of them is killed, and those that
// were found once are waited for.
bool TreeKiller::kill_leftovers() {
  std::erase_if(leftovers_, [](const ProcessHandle& l) { return l.has_ended(); });
  auto found = open_processes([this] { return unknown_leftovers(); });
  if (found) {
    for (const ProcessHandle& leftover : *found) {
      log::debug("killing what an earlier supervisord left: {}", describe_process(leftover.pid));
    }
    std::move(found->begin(), found->end(), std::back_inserter(leftovers_));
  }
  for (const ProcessHandle& leftover : leftovers_) leftover.signal(SIGKILL);
  return found || !leftovers_.empty();
}

void TreeKiller::kill_escaped() {
  signal_processes([this] { return descendants(); }, SIGKILL);
}

void TreeKiller::on_recheck() {
  recheck_after_ = std::min(recheck_after_ * 2, kRecheckMax);
  recheck_.start(recheck_after_);
  if (asking_) return look();
  kill_escaped();
  look();
  if (!killing_) return;
  if (are_zombies_of_tracers()) return finish();
  if (std::chrono::steady_clock::now() - begun_ > kSlow && !std::exchange(slow_told_, true)) {
    tell_of_slow();
  }
}

// Whether nothing else is left. Names each tracer once.
bool TreeKiller::are_zombies_of_tracers() {
  std::vector<pid_t> dead = dead_descendants(is_spared());
  for (const ProcessHandle& leftover : leftovers_) {
    if (!zombie_status(leftover.pid)) return false;
    dead.push_back(leftover.pid);
  }
  const auto is_held = [](pid_t pid) { return tracer_of(pid) != 0; };
  if (dead.empty() || !std::all_of(dead.begin(), dead.end(), is_held)) return false;
  if (!descendants().empty()) return false;
  for (const pid_t pid : dead) {
    if (std::find(held_told_.begin(), held_told_.end(), pid) != held_told_.end()) continue;
    log::info("pid {} is dead, but {} traces it and keeps it as a zombie; going on without it", pid,
              describe_process(tracer_of(pid)));
  }
  held_told_ = std::move(dead);
  return true;
}

void TreeKiller::tell_of_slow() {
  std::vector<pid_t> slow = descendants();
  for (const ProcessHandle& leftover : leftovers_) slow.push_back(leftover.pid);
  std::vector<pid_t> refused;
  for (const pid_t pid : slow) {
    if (::kill(pid, 0) != 0 && errno == EPERM) {
      refused.push_back(pid);
    } else {
      log::warning("still waiting for the end of {}", describe_process(pid));
    }
  }
  if (!refused.empty()) on_refused_(refused);
}

void TreeKiller::finish() {
  killing_ = false;
  leftovers_possible_ = false;
  first_.reset();
  builder_.reset();
  recheck_.stop();
  on_gone_();
}

}  // namespace hpp::supervisord
