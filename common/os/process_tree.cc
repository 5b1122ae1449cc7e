#include "common/os/process_tree.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <string_view>

#include "common/os/file.h"
#include "common/os/process_info.h"
#include "common/read_number.h"
#include "common/take_until.h"

namespace hpp {
namespace {

// Returns a child that has ended and was not reaped, or 0 if none has ended. Returns nothing if
// there is no child.
std::optional<pid_t> ended_child() {
  siginfo_t ended{};
  int result = 0;
  do {
    result = ::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return std::nullopt;  // ECHILD
  return ended.si_pid;
}

// Returns the children of the first thread; none if this kernel does not list them
// (CONFIG_PROC_CHILDREN). The kernel appends new children to the list, orphans included, and gives
// them to the first thread. It skips entries only if a child is reaped while it is read (proc(5)),
// which only that thread does.
std::vector<pid_t> listed_children() {
  const pid_t own = ::getpid();
  const std::string text =
      read_file(fmt::format("/proc/{}/task/{}/children", own, own)).value_or("");
  std::vector<pid_t> children;
  for (std::string_view rest = text; !rest.empty();) {
    if (const auto pid = read_number<pid_t>(take_until(' ', rest))) children.push_back(*pid);
  }
  return children;
}

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

std::vector<pid_t> descendants(pid_t root, const IsSpared& is_spared, bool are_dead) {
  // At a program's start there is mostly no child. This check then avoids reading all of /proc.
  if (root == ::getpid() && !ended_child()) return {};
  std::multimap<pid_t, pid_t> children;
  std::vector<pid_t> dead;
  for (const pid_t pid : all_processes()) {
    const auto stat = process_stat(pid);
    if (!stat) continue;
    children.emplace(stat->parent, pid);
    if (stat->is_dead) dead.push_back(pid);
  }
  std::vector<pid_t> found;
  std::vector<pid_t> to_visit{root};
  while (!to_visit.empty()) {
    const auto [begin, end] = children.equal_range(to_visit.back());
    to_visit.pop_back();
    for (auto child = begin; child != end; ++child) {
      if (is_spared(child->second)) continue;
      to_visit.push_back(child->second);
      if (contains(dead, child->second) == are_dead) found.push_back(child->second);
    }
  }
  return found;
}

}  // namespace

void become_subreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

bool children_left(const std::vector<pid_t>& owned) {
  for (;;) {
    const auto ended = ended_child();
    if (!ended) return false;
    if (*ended == 0 || contains(owned, *ended)) return true;
    ::waitpid(*ended, nullptr, WNOHANG | __WALL);
  }
}

void reap_adopted(const std::vector<pid_t>& spared) {
  for (const pid_t pid : all_processes()) {
    const auto stat = process_stat(pid);
    if (stat && stat->is_dead && stat->parent == ::getpid() && !contains(spared, pid)) {
      ::waitpid(pid, nullptr, WNOHANG);
    }
  }
}

bool spare_none(pid_t) {
  return false;
}

std::vector<pid_t> living_descendants(pid_t root, const IsSpared& is_spared) {
  return descendants(root, is_spared, /*are_dead=*/false);
}

std::vector<pid_t> dead_descendants(const IsSpared& is_spared) {
  return descendants(::getpid(), is_spared, /*are_dead=*/true);
}

// /proc is not read at one moment, but a process that is a child of this one during all that time
// is seen. A process becomes a child of this one only when its parent ends. If that parent was a
// child of this process, its end is seen here. Otherwise it was below a child that still lives,
// which is seen and spared.
bool are_all_spared(const IsSpared& is_spared) {
  const auto is_ours_to_reap = [&](pid_t pid) {
    const auto stat = process_stat(pid);
    return stat && stat->parent == ::getpid() && (stat->is_dead || !is_spared(pid));
  };
  auto children = listed_children();
  if (children.empty()) children = all_processes();
  if (std::any_of(children.begin(), children.end(), is_ours_to_reap)) return false;
  return ended_child().value_or(0) == 0;
}

std::vector<pid_t> processes_of_our_cgroup() {
  const auto cgroup = [](const auto& pid) {
    return read_file(fmt::format("/proc/{}/cgroup", pid));
  };
  const auto ours = cgroup("self");
  std::vector<pid_t> found = all_processes();
  std::erase_if(found, [&](pid_t pid) {
    const auto stat = process_stat(pid);
    return !stat || stat->is_dead || !ours || cgroup(pid) != ours;
  });
  return found;
}

}  // namespace hpp
