#include "common/os/process_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "common/os/file.h"
#include "common/read_number.h"
#include "common/text.h"

namespace hpp {
namespace {

// How much of a command line is shown.
constexpr std::size_t kCommandLineMax = 80;  // bytes

// Reads the state from the text of a `stat` file (proc(5)). It follows the last parenthesis,
// because the command's name is in parentheses and may contain any character.
bool is_zombie(const std::string& stat) {
  const auto close = stat.rfind(')');
  return close != std::string::npos && close + 2 < stat.size() &&
         (stat[close + 2] == 'Z' || stat[close + 2] == 'X');
}

// A process whose first thread has ended looks like a zombie, although other threads may live.
// Threads whose end the tracer has not seen yet are zombies, too.
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

std::filesystem::path program_of(pid_t pid, std::error_code& failed) {
  return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), failed);
}

std::string command_line_of(pid_t pid) {
  return read_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
}

// The rest of the first entry of a process's environment that has this beginning.
std::optional<std::string> entry_after(pid_t pid, std::string_view beginning) {
  const auto environment = read_file(fmt::format("/proc/{}/environ", pid));
  if (!environment) return std::nullopt;
  // Each entry ends with a NUL. A NUL in front makes the first entry like the others.
  const std::string entries = '\0' + *environment;
  const std::string sought = '\0' + std::string(beginning);
  const auto found = entries.find(sought);
  if (found == std::string::npos) return std::nullopt;
  const auto begin = found + sought.size();
  return entries.substr(begin, std::min(entries.find('\0', begin), entries.size()) - begin);
}

}  // namespace

std::vector<pid_t> all_processes() {
  namespace fs = std::filesystem;
  std::vector<pid_t> pids;
  std::error_code failed;
  fs::directory_iterator entry("/proc", failed);
  for (const fs::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
    const auto pid = read_number<pid_t>(entry->path().filename().native());
    if (pid) pids.push_back(*pid);
  }
  return pids;
}

std::optional<ProcessStat> process_stat(pid_t pid) {
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
  ProcessStat stat{.parent = parent, .is_dead = is_dead};
  // `exit_code` is the last field.
  const char* const last = text->data() + text->rfind(' ') + 1;
  const auto parsed = std::from_chars(last, text->data() + text->size(), stat.status);
  return parsed.ec == std::errc{} ? std::optional(stat) : std::nullopt;
}

pid_t parent_of(pid_t pid) {
  const auto stat = process_stat(pid);
  return stat ? stat->parent : 0;
}

// A pid that is used again meanwhile could close a circle.
std::vector<pid_t> with_ancestors(pid_t pid) {
  std::vector<pid_t> found;
  for (; pid > 0 && std::find(found.begin(), found.end(), pid) == found.end(); pid = parent_of(pid))
    found.push_back(pid);
  return found;
}

pid_t tracer_of(pid_t pid) {
  const std::string status = read_file(fmt::format("/proc/{}/status", pid)).value_or("");
  const auto found = status.find("\nTracerPid:");
  int tracer = 0;
  if (found != std::string::npos) std::sscanf(status.c_str() + found, "\nTracerPid: %d", &tracer);
  return tracer;
}

std::optional<int> zombie_status(pid_t pid) {
  const auto stat = process_stat(pid);
  return stat && stat->is_dead ? std::optional(stat->status) : std::nullopt;
}

bool has_environment_with(pid_t pid, std::string_view beginning) {
  return entry_after(pid, beginning).has_value();
}

std::optional<std::string> environment_value(pid_t pid, std::string_view name) {
  return entry_after(pid, std::string(name) + '=');
}

bool has_environment(pid_t pid, std::string_view entry) {
  return has_environment_with(pid, std::string(entry) + '\0');
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
  // The kernel appends this if the file was replaced, for example by an upgrade.
  constexpr std::string_view kDeleted = " (deleted)";
  if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
  return name;
}

bool hides_its_program(pid_t pid) {
  std::error_code failed;
  program_of(pid, failed);
  return failed == std::errc::permission_denied;
}

// During execve(2) a process has the new program, but no arguments and no environment yet. The
// kernel writes these last, in this order.
bool has_been_executed(pid_t pid, pid_t parent) {
  std::error_code failed;
  const auto its = program_of(pid, failed);
  if (failed) return false;
  // If the parent's program cannot be read (root's process 1, for another user), its forked copies
  // cannot be read either. So a process whose program can be read is not such a copy.
  const auto parents = program_of(parent, failed);
  if (failed && failed != std::errc::permission_denied) return false;
  if (!failed && its == parents) return false;
  return !command_line_of(pid).empty();
}

std::string describe_process(pid_t pid) {
  std::string command = command_line_of(pid);
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  if (command.size() > kCommandLineMax) command = command.substr(0, kCommandLineMax) + "…";
  command = printable(command);  // another user may have chosen it, and pages show it, too
  return command.empty() ? fmt::format("pid {}", pid) : fmt::format("pid {} ({})", pid, command);
}

}  // namespace hpp
