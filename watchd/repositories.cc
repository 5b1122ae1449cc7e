#include "watchd/repositories.h"

#include <unistd.h>

#include <filesystem>
#include <set>
#include <system_error>

#include "common/os/real_path.h"
#include "watchd/core/paths.h"

namespace hpp::watchd {
namespace {

namespace fs = std::filesystem;

bool has_git(const std::string& directory) {
  return ::access((directory + "/.git").c_str(), F_OK) == 0;
}

// The innermost repository that holds a directory, both without symbolic links.
std::string repository_above(fs::path directory) {
  while (directory.has_relative_path() && !has_git(directory)) directory = directory.parent_path();
  return directory;
}

}  // namespace

const std::string& Repositories::folder_of(const std::string& path) {
  return at(std::string(parent_of(path)));
}

std::string Repositories::path_in_repository(const std::string& path) {
  const std::string& folder = folder_of(path);
  if (folder.empty()) return path;
  if (!folder.starts_with('/')) return path.substr(folder.size() + 1);
  const std::size_t slash = path.rfind('/');
  return (real_path(path_of(std::string(parent_of(path)))) + path.substr(slash))
      .substr(folder.size() + 1);
}

std::vector<std::string> Repositories::of_folders(const std::vector<std::string>& folders) {
  std::set<std::string> found;
  for (const std::string& folder : folders) found.insert(at(folder));
  found.erase("");
  found.erase(kNone);
  return {found.begin(), found.end()};
}

const std::string& Repositories::at(const std::string& folder) {
  const auto found = known_.find(folder);
  if (found != known_.end()) return found->second;
  const std::string path = path_of(folder);
  if (leads_out(folder)) return known_[folder] = repository_above(real_path(path));
  if (folder.empty() || has_git(path)) return known_[folder] = folder;
  std::error_code error;
  if (fs::is_symlink(path, error)) return known_[folder] = repository_above(real_path(path));
  return known_[folder] = at(std::string(parent_of(folder)));
}

std::string Repositories::path_of(const std::string& folder) const {
  return folder.starts_with('/') ? folder : directory_ + '/' + folder;
}

}  // namespace hpp::watchd
