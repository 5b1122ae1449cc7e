// Shell. Finds the git repositories below a folder (submodules, worktrees, clones), and those of
// files outside it that the project reaches by `../`, an absolute path or a symbolic link.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

namespace hpp::watchd {

class Repositories {
 public:
  explicit Repositories(std::string directory) : directory_(std::move(directory)) {}

  // The repository of a file outside the directory that is in no repository.
  static constexpr const char* kNone = "/";

  // Returns the innermost folder below the directory that has a `.git` and holds `path`. Both are
  // relative to the directory. Empty: no folder below the directory does. For a file outside the
  // directory, returns the repository's absolute path without symbolic links, or kNone.
  const std::string& folder_of(const std::string& path);

  // Returns the path of a file relative to its repository.
  std::string path_in_repository(const std::string& path);

  // Returns the repositories that hold `folders`, each once and without the directory itself and
  // kNone. A folder may be a repository's own folder.
  std::vector<std::string> of_folders(const std::vector<std::string>& folders);

 private:
  const std::string& at(const std::string& folder);
  std::string path_of(const std::string& folder) const;

  std::string directory_;
  std::unordered_map<std::string, std::string> known_;  // repository of each folder seen so far
};

}  // namespace hpp::watchd
