// Shell. Finds the git repositories below a folder: submodules, worktrees, and other clones.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

namespace hpp::watchd {

class Repositories {
 public:
  explicit Repositories(std::string directory) : directory_(std::move(directory)) {}

  // Returns the innermost folder below the directory that has a `.git` and holds `path`. Both are
  // relative to the directory. Empty: no folder below the directory does.
  const std::string& folder_of(const std::string& path);

  // Returns the repositories that hold `folders`, each once and without the directory itself. A
  // folder may be a repository's own folder.
  std::vector<std::string> of_folders(const std::vector<std::string>& folders);

 private:
  const std::string& at(const std::string& folder);

  std::string directory_;
  std::unordered_map<std::string, std::string> known_;  // repository of each folder seen so far
};

}  // namespace hpp::watchd
