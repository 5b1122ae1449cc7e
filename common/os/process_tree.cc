#include "common/os/process_tree.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>

#include "common/os/error.h"
#include "common/os/file.h"
#include "common/os/run_directory.h"
#include "common/text.h"

namespace hpp {
namespace {

// How much of a command line is shown.
constexpr std::size_t kCommandLineMax = 80;

struct ProcessStat {
  pid_t parent = 0;
  bool dead = false;  // it and all its threads have ended: it holds no descriptor and no memory
  int status = 0;     // then: how it ended, as waitpid(2) has it; for who may trace it
};

// The state in the text of a `stat` file, proc(5): the command's name is in parentheses and may
// contain anything.
bool is_zombie(const std::string& stat) {
  const auto close = stat.rfind(')');
  return close != std::string::npos && close + 2 < stat.size() &&
         (stat[close + 2] == 'Z' || stat[close + 2] == 'X');
}

// A process whose first thread has ended looks like a zombie while others live. Threads that a
// tracer holds are zombies themselves.
bool have_all_threads_ended(pid_t pid) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::directory_iterator task(fmt::format("/proc/{}/task", pid), failed);
  for (const fs::directory_iterator end; !failed && task != end; task.increment(failed)) {
    const auto stat = read_file(task->path() / "stat");
    if (stat && !is_zombie(*stat)) return false;
  }
  return !failed;
}

// /proc/PID/stat, proc(5).
std::optional<ProcessStat> read_stat(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid));
  const auto close = text ? text->rfind(')') : std::string::npos;
  if (close == std::string::npos) return std::nullopt;
  char state = 0;
  int parent = 0;
  long threads = 0;
  if (std::sscanf(text->c_str() + close + 1,
                  " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld", &state,
                  &parent, &threads) != 3) {
    return std::nullopt;
  }
  const bool is_dead = is_zombie(*text) && (threads <= 1 || have_all_threads_ended(pid));
  ProcessStat stat{.parent = parent, .dead = is_dead};
  // The last field, `exit_code`.
  const char* const last = text->data() + text->rfind(' ') + 1;
  const auto parsed = std::from_chars(last, text->data() + text->size(), stat.status);
  return parsed.ec == std::errc{} ? std::optional(stat) : std::nullopt;
}

// A child that has ended and was not reaped; 0: none has ended. Nothing: there is no child.
std::optional<pid_t> ended_child() {
  siginfo_t ended{};
  int result = 0;
  do {
    result = ::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return std::nullopt;  // ECHILD
  return ended.si_pid;
}

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// Whether an entry of the process's environment begins like that; entries end with a NUL each.
bool environment_has(pid_t pid, const std::string& beginning) {
  const auto environment = read_file(fmt::format("/proc/{}/environ", pid));
  // One NUL in front makes the first entry like the others.
  return environment && ('\0' + *environment).find('\0' + beginning) != std::string::npos;
}

std::filesystem::path program_of(pid_t pid, std::error_code& failed) {
  return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), failed);
}

std::string command_line_of(pid_t pid) {
  return read_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
}

}  // namespace

std::vector<pid_t> all_processes() {
  namespace fs = std::filesystem;
  std::vector<pid_t> pids;
  std::error_code failed;
  fs::directory_iterator entry("/proc", failed);
  for (const fs::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename();
    pid_t pid = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc{} && rest == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

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
    const auto stat = read_stat(pid);
    if (stat && stat->dead && stat->parent == ::getpid() && !contains(spared, pid)) {
      ::waitpid(pid, nullptr, WNOHANG);
    }
  }
}

namespace {

std::vector<pid_t> descendants(pid_t root, const IsSpared& is_spared, bool are_dead) {
  // A program that starts asks this, mostly in vain: no look at all of /proc for that.
  if (root == ::getpid() && !ended_child()) return {};
  std::multimap<pid_t, pid_t> children;
  std::vector<pid_t> dead;
  for (const pid_t pid : all_processes()) {
    const auto stat = read_stat(pid);
    if (!stat) continue;
    children.emplace(stat->parent, pid);
    if (stat->dead) dead.push_back(pid);
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

bool spare_none(pid_t) {
  return false;
}

std::vector<pid_t> living_descendants(pid_t root, const IsSpared& is_spared) {
  return descendants(root, is_spared, /*are_dead=*/false);
}

std::vector<pid_t> dead_descendants(const IsSpared& is_spared) {
  return descendants(::getpid(), is_spared, /*are_dead=*/true);
}

// /proc is not read at one moment, but a process that is our child during all that time is seen.
// Another one becomes our child only when its parent ends. That parent was our child, and then its
// end is known here; or it was below a child that still lives, which is seen and spared.
bool are_all_spared(const IsSpared& is_spared) {
  const auto is_ours_to_reap = [&](pid_t pid) {
    const auto stat = read_stat(pid);
    return stat && stat->parent == ::getpid() && (stat->dead || !is_spared(pid));
  };
  const std::vector<pid_t> all = all_processes();
  if (std::any_of(all.begin(), all.end(), is_ours_to_reap)) return false;
  return ended_child().value_or(0) == 0;
}

pid_t parent_of(pid_t pid) {
  const auto stat = read_stat(pid);
  return stat ? stat->parent : 0;
}

pid_t tracer_of(pid_t pid) {
  const std::string status = read_file(fmt::format("/proc/{}/status", pid)).value_or("");
  const auto found = status.find("\nTracerPid:");
  int tracer = 0;
  if (found != std::string::npos) std::sscanf(status.c_str() + found, "\nTracerPid: %d", &tracer);
  return tracer;
}

std::optional<int> zombie_status(pid_t pid) {
  const auto stat = read_stat(pid);
  return stat && stat->dead ? std::optional(stat->status) : std::nullopt;
}

bool has_environment(pid_t pid, std::string_view entry) {
  return environment_has(pid, std::string(entry) + '\0');
}

std::vector<std::string> arguments_of(pid_t pid) {
  const std::string line = command_line_of(pid);
  std::vector<std::string> arguments;
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = std::min(line.find('\0', begin), line.size());
    arguments.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

std::string program_name_of(pid_t pid) {
  std::error_code failed;
  std::string name = program_of(pid, failed).filename();
  // The kernel appends this if the file was replaced, for instance by an upgrade.
  constexpr std::string_view kDeleted = " (deleted)";
  if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
  return name;
}

bool hides_its_program(pid_t pid) {
  std::error_code failed;
  program_of(pid, failed);
  return failed == std::errc::permission_denied;
}

// In the middle of execve(2) it has the new program, and neither arguments nor environment: the
// kernel writes these last, in this order.
bool has_been_executed(pid_t pid, pid_t parent) {
  std::error_code failed;
  const auto its = program_of(pid, failed);
  if (failed) return false;
  // If the parent's program is hidden from us (root's process 1, when we are not root), so are the
  // copies that it forks. A process whose program we see is not such a copy.
  const auto parents = program_of(parent, failed);
  if (failed && failed != std::errc::permission_denied) return false;
  if (!failed && its == parents) return false;
  return !command_line_of(pid).empty();
}

std::vector<pid_t> processes_of_our_cgroup() {
  const auto cgroup = [](const auto& pid) {
    return read_file(fmt::format("/proc/{}/cgroup", pid));
  };
  const auto ours = cgroup("self");
  std::vector<pid_t> found = all_processes();
  std::erase_if(found, [&](pid_t pid) {
    const auto stat = read_stat(pid);
    return !stat || stat->dead || !ours || cgroup(pid) != ours;
  });
  return found;
}

std::string backend_tag_prefix(const std::string& run_directory) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(run_directory.c_str(), nullptr),
                                                         &std::free);
  if (!real) throw_errno("cannot use the run directory " + run_directory);
  return fmt::format("{}/{}/", real.get(), RunDirectory(run_directory).instance_id());
}

std::vector<pid_t> processes_tagged(std::string_view prefix) {
  const std::string beginning = fmt::format("{}={}", kBackendTag, prefix);
  std::vector<pid_t> found;
  for (const pid_t pid : all_processes()) {
    if (pid != ::getpid() && environment_has(pid, beginning)) found.push_back(pid);
  }
  return found;
}

std::string describe_process(pid_t pid) {
  std::string command = command_line_of(pid);
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  if (command.size() > kCommandLineMax) command = command.substr(0, kCommandLineMax) + "…";
  command = printable(command);  // it may be another user's, and ends up on pages, too
  return command.empty() ? fmt::format("pid {}", pid) : fmt::format("pid {} ({})", pid, command);
}

}  // namespace hpp
