// Shell. Finds the git repositories below a folder: submodules, worktrees, and other clones.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

namespace hpp::watchd {

class Repositories {
 public:
  explicit Repositories(std::string directory) : directory_(std::move(directory)) {}

  // The innermost folder with a `.git` that holds `path`, which is relative to the directory.
  // Empty: that is the directory itself, or there is none below it.
  const std::string& folder_of(const std::string& path);

  // The same for folders, each of which may have the `.git` itself. Names each repository once, and
  // leaves the directory itself out.
  std::vector<std::string> of_folders(const std::vector<std::string>& folders);

 private:
  const std::string& at(const std::string& folder);

  std::string directory_;
  std::unordered_map<std::string, std::string> known_;  // by folder: each is looked at once
};

}  // namespace hpp::watchd
