#include "supervisord/inspection.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

#include "common/os/descriptors.h"
#include "common/os/find_program.h"
#include "common/os/port_owner.h"

namespace hpp::supervisord {
namespace {

namespace fs = std::filesystem;

// The most files that read_marks() looks at.
constexpr std::size_t kMarksMax = 1'000;

// Folders whose files do not belong to the project, although they lie below it (docs/gate.rst).
constexpr std::string_view kPackageFolders[] = {"node_modules", "site-packages", "dist-packages",
                                                "gems", "bundle"};

std::string inode_of(int fd) {
  struct stat found {};

  return fd >= 0 && ::fstat(fd, &found) == 0 ? std::to_string(found.st_ino) : "";
}

bool is_package(const fs::path& path) {
  return std::any_of(path.begin(), path.end(), [](const fs::path& part) {
    return std::find(std::begin(kPackageFolders), std::end(kPackageFolders), part.native()) !=
           std::end(kPackageFolders);
  });
}

// Returns the path of a project file relative to its root; empty if it is none.
std::string project_file(const std::string& path, const std::vector<std::string>& roots) {
  struct stat found {};

  for (const std::string& root : roots) {
    if (!path.starts_with(root + "/")) continue;
    std::string relative = path.substr(root.size() + 1);
    const bool is_file = ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode);
    if (is_file && !is_package(relative)) return relative;
  }
  return "";
}

// The kernel shows a process's files by paths without links.
std::vector<std::string> without_links(const std::vector<std::string>& paths) {
  std::vector<std::string> real;
  for (const std::string& path : paths) {
    std::error_code failed;
    real.push_back(fs::canonical(path, failed).native());
    if (failed) real.pop_back();  // it is gone, and so are its files
  }
  return real;
}

// The inode in `socket:[123]`; empty if `target` is no socket.
std::string socket_inode(std::string_view target) {
  constexpr std::string_view kBegin = "socket:[";
  if (!target.starts_with(kBegin)) return "";
  return std::string(target.substr(kBegin.size(), target.size() - kBegin.size() - 1));
}

// Whether a wrapper's processes talk to each other through this socket. tsx, which runs TypeScript,
// listens on `/tmp/tsx-1000/4711.pipe`.
bool is_wrappers_socket(const fs::path& path) {
  return path.extension() == ".pipe" && path.parent_path().filename().native().starts_with("tsx-");
}

void add_mark(FileMarks& marks, const std::string& name, const fs::path& path) {
  struct stat found {};

  if (::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return;
  marks[name] = {.device = found.st_dev,
                 .inode = found.st_ino,
                 .size = found.st_size,
                 .mtime_ns = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
}

}  // namespace

std::string problem_of_spare(const std::vector<pid_t>& pids, const std::vector<std::string>& roots,
                             int handed) {
  const std::vector<std::string> real_roots = without_links(roots);
  const std::map<std::string, std::string> listening = open_sockets();
  const std::string handed_inode = inode_of(handed);
  for (const pid_t pid : pids) {
    for (const Descriptor& open : descriptors_of(pid).value_or(std::vector<Descriptor>())) {
      const std::string inode = socket_inode(open.target);
      const auto socket = listening.find(inode);
      if (socket != listening.end() && inode != handed_inode &&
          !is_wrappers_socket(socket->second)) {
        return fmt::format("listens on {} before its gate was opened", socket->second);
      }
      if (open.number <= STDERR_FILENO) continue;
      const std::string file = project_file(open.target, real_roots);
      if (!file.empty()) return fmt::format("has {} open before its gate was opened", file);
    }
  }
  return "";
}

std::vector<std::string> addresses_of(const std::vector<pid_t>& pids) {
  const std::map<std::string, std::string> listening = open_sockets();
  std::set<std::string> found;
  for (const pid_t pid : pids) {
    for (const Descriptor& open : descriptors_of(pid).value_or(std::vector<Descriptor>())) {
      const auto socket = listening.find(socket_inode(open.target));
      if (socket != listening.end() && !socket->second.starts_with("UDP"))
        found.insert(socket->second);
    }
  }
  return {found.begin(), found.end()};
}

FileMarks read_marks(const std::string& directory, const std::string& command) {
  FileMarks marks;
  std::error_code failed;
  fs::directory_iterator entry(directory, failed);
  for (const fs::directory_iterator end; entry != end && !failed; entry.increment(failed)) {
    const std::string name = entry->path().filename().native();
    if (is_read_early(name)) add_mark(marks, name, entry->path());
    if (marks.size() == kMarksMax) break;
  }
  const std::string program = find_program(command, directory);
  add_mark(marks, program, program);
  return marks;
}

}  // namespace hpp::supervisord
