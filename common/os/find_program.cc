#include "common/os/find_program.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace hpp {
namespace {

std::string path_if_executable(const std::filesystem::path& path) {
  return ::access(path.c_str(), X_OK) == 0 ? path.native() : "";
}

}  // namespace

std::string find_program(const std::string& program, const std::string& directory) {
  const std::filesystem::path base(directory);
  if (program.find('/') != std::string::npos) return path_if_executable(base / program);
  const char* const search = std::getenv("PATH");
  std::istringstream folders(search == nullptr ? "/bin:/usr/bin" : search);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string path = path_if_executable(base / folder / program);
    if (!path.empty()) return path;
  }
  return "";
}

}  // namespace hpp
