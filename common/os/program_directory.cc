#include "common/os/program_directory.h"

#include <limits.h>
#include <unistd.h>

#include <string_view>

namespace hpp {

std::string program_directory() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return ".";
  const std::string_view text(path, static_cast<std::size_t>(size));
  return std::string(text.substr(0, text.rfind('/')));
}

}  // namespace hpp
