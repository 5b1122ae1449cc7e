#include "common/os/process_tree.h"

#include <dirent.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "common/os/file.h"

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
  bool zombie = false;
};

// /proc/PID/stat, proc(5): the command's name is in parentheses and may contain anything.
std::optional<ProcessStat> read_stat(pid_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return std::nullopt;
  const auto close = text->rfind(')');
  if (close == std::string::npos || close + 4 > text->size()) return std::nullopt;
  const char state = (*text)[close + 2];
  const int parent = std::atoi(text->c_str() + close + 4);
  return ProcessStat{.parent = parent, .zombie = state == 'Z' || state == 'X'};
}

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// The inode of the socket that listens on `port`, from a table in the form of /proc/net/tcp.
std::optional<std::string> listening_inode(const char* table, unsigned port) {
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
        local_port == port && state == kListen) {
      return inode;
    }
  }
  return std::nullopt;
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

}  // namespace

void become_subreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void reap_adopted(const std::vector<pid_t>& spared) {
  for (const pid_t pid : all_pids()) {
    const auto stat = read_stat(pid);
    if (stat && stat->zombie && stat->parent == ::getpid() && !contains(spared, pid)) {
      ::waitpid(pid, nullptr, WNOHANG);
    }
  }
}

std::vector<pid_t> living_descendants(const std::vector<pid_t>& spared) {
  std::multimap<pid_t, pid_t> children;
  std::vector<pid_t> zombies;
  for (const pid_t pid : all_pids()) {
    const auto stat = read_stat(pid);
    if (!stat) continue;
    children.emplace(stat->parent, pid);
    if (stat->zombie) zombies.push_back(pid);
  }
  std::vector<pid_t> found;
  std::vector<pid_t> to_visit{::getpid()};
  while (!to_visit.empty()) {
    const auto [begin, end] = children.equal_range(to_visit.back());
    to_visit.pop_back();
    for (auto child = begin; child != end; ++child) {
      if (contains(spared, child->second)) continue;
      to_visit.push_back(child->second);
      if (!contains(zombies, child->second)) found.push_back(child->second);
    }
  }
  return found;
}

std::vector<pid_t> processes_tagged(std::string_view prefix) {
  const std::string wanted = fmt::format("{}={}", kBackendTag, prefix);
  std::vector<pid_t> found;
  for (const pid_t pid : all_pids()) {
    const auto environment = read_file(fmt::format("/proc/{}/environ", pid));
    if (!environment) continue;
    const bool tagged =
        environment->starts_with(wanted) || environment->find('\0' + wanted) != std::string::npos;
    if (tagged && pid != ::getpid()) found.push_back(pid);
  }
  return found;
}

std::string describe_process(pid_t pid) {
  std::string command = read_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  if (command.size() > kCommandLineMax) command = command.substr(0, kCommandLineMax) + "…";
  return command.empty() ? fmt::format("pid {}", pid) : fmt::format("pid {} ({})", pid, command);
}

std::string describe_port_owner(const SocketAddress& address) {
  const unsigned port = ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
  auto inode = listening_inode("/proc/net/tcp", port);
  if (!inode || address.storage.ss_family == AF_INET6) {
    const auto v6 = listening_inode("/proc/net/tcp6", port);
    if (v6) inode = v6;
  }
  if (!inode) return "";
  for (const pid_t pid : all_pids()) {
    if (holds_socket(pid, *inode)) return describe_process(pid);
  }
  return "another process";
}

}  // namespace hpp
