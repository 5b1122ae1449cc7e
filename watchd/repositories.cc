#include "watchd/repositories.h"

#include <unistd.h>

#include <set>

namespace hpp::watchd {
namespace {

// The folder of a path, without a slash at its end.
std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

const std::string& Repositories::folder_of(const std::string& path) {
  return at(parent_of(path));
}

std::vector<std::string> Repositories::of_folders(const std::vector<std::string>& folders) {
  std::set<std::string> found;
  for (const std::string& folder : folders) found.insert(at(folder));
  found.erase("");
  return {found.begin(), found.end()};
}

const std::string& Repositories::at(const std::string& folder) {
  const auto found = known_.find(folder);
  if (found != known_.end()) return found->second;
  const std::string path = directory_ + '/' + folder + "/.git";
  const bool is_one = folder.empty() || ::access(path.c_str(), F_OK) == 0;
  return known_[folder] = is_one ? folder : at(parent_of(folder));
}

}  // namespace hpp::watchd
