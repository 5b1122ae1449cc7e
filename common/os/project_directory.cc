#include "common/os/project_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <filesystem>

#include "common/os/error.h"
#include "common/text.h"

namespace hpp {
namespace {

constexpr const char* kVariable = "HPP_DIRECTORY";

// POSIX forbids `.` and `..` in the output of `pwd -L`.
bool is_plain(const std::filesystem::path& path) {
  if (!path.is_absolute()) return false;
  for (const auto& part : path) {
    if (part == "." || part == "..") return false;
  }
  return true;
}

bool is_working_directory(const char* path) {
  struct stat named {};

  struct stat working {};

  return ::stat(path, &named) == 0 && ::stat(".", &working) == 0 &&
         named.st_dev == working.st_dev && named.st_ino == working.st_ino;
}

}  // namespace

std::string project_directory() {
  const char* const pwd = std::getenv("PWD");
  if (pwd != nullptr && is_plain(pwd) && is_working_directory(pwd)) return pwd;
  char path[PATH_MAX];
  if (::getcwd(path, sizeof path) == nullptr) throw_errno("cannot find out the working directory");
  return path;
}

std::pair<std::string, std::string> project_directory_variable(const std::string& path) {
  return {kVariable, path};
}

std::string take_project_directory() {
  const char* const passed = std::getenv(kVariable);
  if (passed == nullptr || *passed == '\0') return project_directory();
  std::string path = passed;
  ::unsetenv(kVariable);
  return path;
}

std::string project_directory_problem(const std::string& path) {
  struct stat status {};

  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return "";
  return fmt::format("the project folder {} does not exist", printable(path));
}

}  // namespace hpp
