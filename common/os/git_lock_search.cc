#include "common/os/git_lock_search.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/os/file.h"
#include "common/os/real_path.h"

namespace hpp {
namespace {

constexpr std::string_view kGitFilePrefix = "gitdir: ";

std::optional<struct stat> status_of(const std::string& path) {
  struct stat status {};

  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status;
}

// The path in the file `.git` of a worktree or a submodule. It may be relative to `directory`.
std::optional<std::string> pointed_to(const std::string& directory, const std::string& file) {
  const auto text = read_file(file);
  if (!text || !text->starts_with(kGitFilePrefix)) return std::nullopt;
  const std::string_view all = *text;
  const std::string path(
      all.substr(kGitFilePrefix.size(), all.find_first_of("\r\n") - kGitFilePrefix.size()));
  return path.starts_with('/') ? path : directory + '/' + path;
}

// The `.git` directory for `directory`. Searched for each time, because a repository may be created
// or removed at any moment; the search takes a few microseconds.
std::optional<std::string> git_directory(std::string directory) {
  for (;;) {
    const std::string path = directory + "/.git";
    if (const auto status = status_of(path)) {
      return S_ISDIR(status->st_mode) ? path : pointed_to(directory, path);
    }
    const auto slash = directory.rfind('/');
    if (slash == std::string::npos) return std::nullopt;
    directory.resize(slash);
  }
}

}  // namespace

std::optional<GitLock> find_git_lock(const std::string& directory) {
  const auto git = git_directory(directory);
  if (!git) return std::nullopt;
  std::string path = *git + "/index.lock";
  const auto status = status_of(path);
  if (!status) return std::nullopt;
  return GitLock{.path = std::move(path),
                 .inode = status->st_ino,
                 .modified_ns = std::int64_t{status->st_mtim.tv_sec} * 1'000'000'000 +
                                status->st_mtim.tv_nsec};
}

std::vector<GitLock> find_git_locks(const std::string& directory,
                                    const std::vector<std::string>& folders) {
  // git also looks for `.git` in the parents of the real path.
  const std::string real = real_path(directory);
  std::vector<GitLock> locks;
  const auto add = [&](const std::string& path) {
    const auto lock = find_git_lock(path);
    if (lock && std::find(locks.begin(), locks.end(), *lock) == locks.end()) locks.push_back(*lock);
  };
  add(real);
  for (const std::string& folder : folders) {
    add(folder.starts_with('/') ? folder : real + '/' + folder);
  }
  return locks;
}

}  // namespace hpp
