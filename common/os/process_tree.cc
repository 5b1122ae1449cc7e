#include "common/os/process_tree.h"

#include <dirent.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include "common/os/error.h"
#include "common/os/file.h"
#include "common/text.h"

namespace hpp {
namespace {

// How much of a command line is shown.
constexpr std::size_t kCommandLineMax = 80;

struct DirectoryCloser {
  void operator()(DIR* d) const { ::closedir(d); }
};

template <class Visit>
void for_each_entry(const std::string& path, Visit visit) {
  const std::unique_ptr<DIR, DirectoryCloser> directory(::opendir(path.c_str()));
  if (!directory) return;
  while (const dirent* entry = ::readdir(directory.get())) visit(std::string_view(entry->d_name));
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  for_each_entry("/proc", [&](std::string_view name) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc{} && end == name.data() + name.size()) pids.push_back(pid);
  });
  return pids;
}

struct ProcessStat {
  pid_t parent = 0;
  bool dead = false;  // a zombie with all its threads
  int status = 0;     // then: how it ended, as waitpid(2) has it; for who may trace it
};

// /proc/PID/stat, proc(5): the command's name is in parentheses and may contain anything.
std::optional<ProcessStat> read_stat(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid));
  const auto close = text ? text->rfind(')') : std::string::npos;
  if (close == std::string::npos) return std::nullopt;
  char state = 0;
  int parent = 0;
  long threads = 0;  // a process whose first thread has ended looks like a zombie, and is none
  if (std::sscanf(text->c_str() + close + 1,
                  " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld", &state,
                  &parent, &threads) != 3) {
    return std::nullopt;
  }
  ProcessStat stat{.parent = parent, .dead = (state == 'Z' || state == 'X') && threads <= 1};
  // The last field, `exit_code`.
  const char* const last = text->data() + text->rfind(' ') + 1;
  const auto parsed = std::from_chars(last, text->data() + text->size(), stat.status);
  return parsed.ec == std::errc{} ? std::optional(stat) : std::nullopt;
}

// Zombies included.
bool has_children() {
  siginfo_t ended{};
  return ::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
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

// The text of an address in /proc/net/tcp and tcp6: the bytes as hexadecimal words of 32 bits in
// the machine's byte order.
std::string table_text(const void* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; i += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, static_cast<const char*>(bytes) + i, sizeof word);
    text += fmt::format("{:08X}", word);
  }
  return text;
}

// The inode of the socket that listens on `port` at one of the addresses, from a table in the form
// of /proc/net/tcp.
std::optional<std::string> listening_inode(const char* table, unsigned port,
                                           const std::vector<std::string>& addresses) {
  const auto text = read_file(table);
  if (!text) return std::nullopt;
  std::size_t start = text->find('\n');
  while (start != std::string::npos && start + 1 < text->size()) {
    const std::size_t end = text->find('\n', start + 1);
    const std::string line = text->substr(start + 1, end - start - 1);
    start = end;
    char local[64];
    unsigned local_port = 0;
    unsigned state = 0;
    char inode[32];
    constexpr unsigned kListen = 0x0A;
    if (std::sscanf(line.c_str(), "%*s %63[0-9A-F]:%X %*s %X %*s %*s %*s %*s %*s %31s", local,
                    &local_port, &state, inode) == 4 &&
        local_port == port && state == kListen &&
        std::find(addresses.begin(), addresses.end(), local) != addresses.end()) {
      return inode;
    }
  }
  return std::nullopt;
}

// The inode of the socket that a connection to `address` reaches: the exact address before the one
// that stands for all.
std::optional<std::string> listening_inode(const SocketAddress& address) {
  const std::string every_v6 = table_text(&in6addr_any, sizeof in6addr_any);
  if (address.storage.ss_family == AF_INET6) {
    const auto& ip = reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr;
    const auto exact =
        listening_inode("/proc/net/tcp6", address.port(), {table_text(&ip, sizeof ip)});
    return exact ? exact : listening_inode("/proc/net/tcp6", address.port(), {every_v6});
  }
  const auto& ip = reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr;
  const std::string v4 = table_text(&ip, sizeof ip);
  unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::memcpy(mapped + 12, &ip, sizeof ip);
  auto found = listening_inode("/proc/net/tcp", address.port(), {v4});
  if (!found) found = listening_inode("/proc/net/tcp", address.port(), {"00000000"});
  if (!found) {
    found = listening_inode("/proc/net/tcp6", address.port(),
                            {table_text(mapped, sizeof mapped), every_v6});
  }
  return found;
}

bool holds_socket(pid_t pid, const std::string& inode) {
  const std::string wanted = fmt::format("socket:[{}]", inode);
  const std::string directory = fmt::format("/proc/{}/fd", pid);
  bool found = false;
  for_each_entry(directory, [&](std::string_view name) {
    char target[64];
    const std::string path = fmt::format("{}/{}", directory, name);
    const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
    if (size > 0 && wanted == std::string_view(target, static_cast<std::size_t>(size))) {
      found = true;
    }
  });
  return found;
}

std::filesystem::path program_of(pid_t pid, std::error_code& failed) {
  return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), failed);
}

}  // namespace

void become_subreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

bool children_left(std::initializer_list<pid_t> owned) {
  for (;;) {
    siginfo_t ended{};
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) {
      if (errno == EINTR) continue;
      return false;  // ECHILD
    }
    if (ended.si_pid == 0) return true;
    if (std::find(owned.begin(), owned.end(), ended.si_pid) != owned.end()) return true;
    ::waitpid(ended.si_pid, nullptr, WNOHANG | __WALL);
  }
}

void reap_adopted(const std::vector<pid_t>& spared) {
  for (const pid_t pid : all_pids()) {
    const auto stat = read_stat(pid);
    if (stat && stat->dead && stat->parent == ::getpid() && !contains(spared, pid)) {
      ::waitpid(pid, nullptr, WNOHANG);
    }
  }
}

std::vector<pid_t> living_descendants(pid_t root, const std::vector<pid_t>& spared) {
  return living_descendants(root, [&](pid_t pid) { return contains(spared, pid); });
}

std::vector<pid_t> living_descendants(pid_t root, const std::function<bool(pid_t)>& is_spared) {
  // A program that starts asks this, mostly in vain: no look at all of /proc for that.
  if (root == ::getpid() && !has_children()) return {};
  std::multimap<pid_t, pid_t> children;
  std::vector<pid_t> dead;
  for (const pid_t pid : all_pids()) {
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
      if (!contains(dead, child->second)) found.push_back(child->second);
    }
  }
  return found;
}

std::optional<int> zombie_status(pid_t pid) {
  const auto stat = read_stat(pid);
  return stat && stat->dead ? std::optional(stat->status) : std::nullopt;
}

bool has_environment(pid_t pid, std::string_view entry) {
  return environment_has(pid, std::string(entry) + '\0');
}

bool runs_program(pid_t pid, std::string_view name) {
  std::error_code failed;
  const std::string file = program_of(pid, failed).filename();
  // The kernel says so after an upgrade, for instance.
  return file == name || file == fmt::format("{} (deleted)", name);
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
  return !read_file(fmt::format("/proc/{}/cmdline", pid)).value_or("").empty();
}

std::vector<pid_t> processes_of_our_cgroup() {
  const auto cgroup = [](const auto& pid) {
    return read_file(fmt::format("/proc/{}/cgroup", pid));
  };
  const auto ours = cgroup("self");
  std::vector<pid_t> found = all_pids();
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
  return std::string(real.get()) + '/';
}

std::vector<pid_t> processes_tagged(std::string_view prefix) {
  const std::string beginning = fmt::format("{}={}", kBackendTag, prefix);
  std::vector<pid_t> found;
  for (const pid_t pid : all_pids()) {
    if (pid != ::getpid() && environment_has(pid, beginning)) found.push_back(pid);
  }
  return found;
}

std::string describe_process(pid_t pid) {
  std::string command = read_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  if (command.size() > kCommandLineMax) command = command.substr(0, kCommandLineMax) + "…";
  command = printable(command);  // it may be another user's, and ends up on pages, too
  return command.empty() ? fmt::format("pid {}", pid) : fmt::format("pid {} ({})", pid, command);
}

std::string describe_port_owner(const SocketAddress& address) {
  const auto inode = listening_inode(address);
  if (!inode) return "";
  for (const pid_t pid : all_pids()) {
    if (holds_socket(pid, *inode)) return describe_process(pid);
  }
  return "another process";
}

std::string describe_port_owner(const std::vector<SocketAddress>& addresses) {
  for (const SocketAddress& address : addresses) {
    std::string owner = describe_port_owner(address);
    if (!owner.empty()) return owner;
  }
  return "";
}

}  // namespace hpp
