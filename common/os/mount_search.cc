#include "common/os/mount_search.h"

#include <dirent.h>
#include <sys/vfs.h>

#include <cstdint>
#include <filesystem>

#include "common/os/file.h"
#include "common/os/real_path.h"

namespace hpp {
namespace {

namespace fs = std::filesystem;

// Opens the folder, because an autofs mounts its file system only then.
bool can_open(const std::string& folder) {
  DIR* const directory = ::opendir(folder.c_str());
  if (directory != nullptr) ::closedir(directory);
  return directory != nullptr;
}

}  // namespace

FolderMounts mounts_of_folder(const std::string& folder) {
  fs::path path = real_path(folder);
  while (!can_open(path) && path != path.parent_path()) path = path.parent_path();

  struct statfs status {};

  const bool is_known = ::statfs(path.c_str(), &status) == 0;
  const auto number = is_known ? static_cast<std::uint64_t>(status.f_type) & 0xFFFFFFFF : 0;
  const std::string mountinfo = read_file("/proc/self/mountinfo").value_or("");
  return mounts_of(path.native(), read_mounts(mountinfo), number);
}

}  // namespace hpp
