#include "common/os/directory_id.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace hpp {
namespace {

std::string id_of(const struct stat& status) {
  if (!S_ISDIR(status.st_mode)) return "";
  return fmt::format("{}:{}", status.st_dev, status.st_ino);
}

}  // namespace

std::string directory_id(const std::string& path) {
  struct stat status {};

  return ::stat(path.c_str(), &status) == 0 ? id_of(status) : "";
}

std::string directory_id(int fd) {
  struct stat status {};

  return ::fstat(fd, &status) == 0 ? id_of(status) : "";
}

}  // namespace hpp
