#include "supervisord/tree_killer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <utility>

#include "common/log.h"
#include "common/os/backend_tag.h"
#include "common/os/process_info.h"
#include "common/os/process_tree.h"

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

// SIGCHLD reports each death of a child. The rechecks are for processes without such a signal: one
// that has left its group and lives while the group is still dying, and leftovers, which are not
// our children.
constexpr milliseconds kRecheckMin{5};
constexpr milliseconds kRecheckMax{100};
// After this time, processes that have not died yet are reported. They are in uninterruptible
// sleep, or belong to another user.
constexpr milliseconds kSlow{2'000};

}  // namespace

TreeKiller::TreeKiller(Loop& loop, std::string tag_prefix, FindOrphans orphans,
                       BuildDaemons daemons, Manners manners, std::function<void()> on_gone,
                       OnRefused on_refused)
    : tag_prefix_(std::move(tag_prefix)),
      orphans_(std::move(orphans)),
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
  return [this](pid_t pid) {
    const bool is_spare = !spare_tag_.empty() && has_environment(pid, spare_tag_);
    return is_spare || daemons_.contain(pid);
  };
}

std::vector<pid_t> TreeKiller::descendants() const {
  return living_descendants(::getpid(), is_spared());
}

// Returns the processes that an earlier supervisord left. They are found by their tag, or reported
// by the service manager.
std::vector<pid_t> TreeKiller::left_by_others() const {
  std::vector<pid_t> found = processes_tagged(tag_prefix_);
  const std::vector<pid_t> orphans = orphans_();
  found.insert(found.end(), orphans.begin(), orphans.end());
  std::erase_if(found, is_spared());
  return found;
}

std::vector<pid_t> TreeKiller::spare_processes() const {
  std::vector<pid_t> found;
  for (const Group& group : groups_) {
    if (group.role != Role::Spare) continue;
    const pid_t leader = group.processes.leader();
    found = living_descendants(leader);
    found.push_back(leader);
  }
  return found;
}

TreeKiller::Group* TreeKiller::spare() {
  const auto found = std::find_if(groups_.begin(), groups_.end(),
                                  [](const Group& group) { return group.role == Role::Spare; });
  return found == groups_.end() ? nullptr : &*found;
}

void TreeKiller::promote_spare() {
  if (Group* const group = spare()) group->role = Role::Server;
  spare_tag_.clear();
}

// From now on, look() reaps the leader.
void TreeKiller::discard_spare() {
  if (Group* const group = spare()) group->processes.signal(SIGKILL);
  std::erase_if(groups_, [](const Group& group) { return group.role == Role::Spare; });
  spare_tag_.clear();
}

void TreeKiller::add(Role role, pid_t leader) {
  groups_.push_back(
      {.role = role, .is_owned = true, .processes = ProcessGroup(open_process(leader))});
}

void TreeKiller::take_over(pid_t leader, UniqueFd pidfd) {
  UniqueFd same(::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 0));
  groups_.push_back(
      {.role = Role::Server,
       .is_owned = false,
       .processes = ProcessGroup(ProcessHandle{.pid = leader, .pidfd = std::move(same)})});
  leftovers_.push_back({.pid = leader, .pidfd = std::move(pidfd)});
}

void TreeKiller::leader_ended(pid_t leader) {
  std::erase_if(groups_, [leader](Group& group) {
    if (group.processes.leader() != leader) return false;
    group.is_owned = false;
    return group.role == Role::Step;
  });
  forget_gone();
}

// The pid of a reaped leader stays reserved as long as its group has members. When the group is
// gone, another process may get that pid, so the group must be forgotten.
void TreeKiller::forget_gone() {
  std::erase_if(groups_,
                [](const Group& group) { return !group.is_owned && group.processes.is_gone(); });
}

bool TreeKiller::is_alive(Role role) const {
  return std::any_of(groups_.begin(), groups_.end(), [role](const Group& group) {
    return group.role == role && !group.processes.is_gone();
  });
}

std::vector<pid_t> TreeKiller::owned_leaders() const {
  std::vector<pid_t> leaders;
  for (const Group& group : groups_) {
    if (group.is_owned) leaders.push_back(group.processes.leader());
  }
  return leaders;
}

void TreeKiller::signal_servers(int number) const {
  for (const Group& group : groups_) {
    if (group.role == Role::Server) group.processes.signal(number);
  }
}

void TreeKiller::kill() {
  killing_ = true;
  slow_reported_ = false;
  recheck_after_ = kRecheckMin;
  recheck_.start(recheck_after_);
  asking_ = manners_.signal != SIGKILL && is_alive(Role::Server);
  if (!asking_) return kill_now();
  signal_servers(manners_.signal);
  patience_.start(manners_.patience);
}

void TreeKiller::kill_now() {
  asking_ = false;
  begun_ = std::chrono::steady_clock::now();
  patience_.stop();
  // Must precede the signals, because a dying process loses its tag.
  if (leftovers_possible_ && !groups_.empty()) kill_leftovers();
  for (const Group& group : groups_) {
    if (group.role != Role::Spare) group.processes.signal(SIGKILL);
  }
  look();
}

void TreeKiller::look() {
  const bool children = children_left(owned_leaders());
  forget_gone();
  if (killing_ && asking_ && !is_alive(Role::Server)) return kill_now();
  if (!killing_ || asking_ || (leftovers_possible_ && kill_leftovers())) return;
  if (!children) return finish();
  if (is_alive(Role::Server) || is_alive(Role::Step)) return;
  if (are_all_spared(is_spared())) return finish();
  kill_escaped();
}

std::vector<pid_t> TreeKiller::unknown_leftovers() const {
  std::vector<pid_t> found = left_by_others();
  std::erase_if(found, [this](pid_t pid) {
    const auto is_same = [pid](const ProcessHandle& l) { return l.pid == pid; };
    return std::any_of(leftovers_.begin(), leftovers_.end(), is_same);
  });
  return found;
}

// Returns whether there were leftovers. A dying process loses its environment, and with it its tag,
// before it closes its sockets. Therefore all leftovers are searched for before one is killed, and
// each one that was found is waited for.
bool TreeKiller::kill_leftovers() {
  std::erase_if(leftovers_, [](const ProcessHandle& l) { return l.has_ended(); });
  auto found = open_processes([this] { return unknown_leftovers(); });
  if (found) {
    for (const ProcessHandle& leftover : *found) {
      log::debug("killing a process that an earlier supervisord left behind: {}",
                 describe_process(leftover.pid));
    }
    std::move(found->begin(), found->end(), std::back_inserter(leftovers_));
  }
  for (const ProcessHandle& leftover : leftovers_) leftover.signal(SIGKILL);
  return found || !leftovers_.empty();
}

// Returns whether there were processes to kill.
bool TreeKiller::kill_escaped() {
  return signal_processes([this] { return descendants(); }, SIGKILL);
}

void TreeKiller::on_recheck() {
  recheck_after_ = std::min(recheck_after_ * 2, kRecheckMax);
  recheck_.start(recheck_after_);
  if (asking_) return look();
  kill_escaped();
  look();
  if (!killing_) return;
  if (are_zombies_of_tracers()) return finish();
  if (std::chrono::steady_clock::now() - begun_ > kSlow && !std::exchange(slow_reported_, true)) {
    report_slow();
  }
}

// Whether all processes that are left are zombies kept by a tracer. Logs each of them once.
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
    if (std::find(logged_zombies_.begin(), logged_zombies_.end(), pid) != logged_zombies_.end())
      continue;
    log::info("pid {} is dead, but {} traces it and keeps it as a zombie; continuing without it",
              pid, describe_process(tracer_of(pid)));
  }
  logged_zombies_ = std::move(dead);
  return true;
}

void TreeKiller::report_slow() {
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
  std::erase_if(groups_, [](const Group& group) { return group.role != Role::Spare; });
  recheck_.stop();
  on_gone_();
}

}  // namespace hpp::supervisord
