#include "launch/helper_program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>
#include <vector>

#include "common/os/program_directory.h"
#include "config.h"

namespace hpp::launch {
namespace {

std::string directory_above(const std::string& directory) {
  return directory.substr(0, directory.rfind('/'));
}

std::string find_in(const std::vector<std::string>& directories, const std::string& name) {
  for (const std::string& directory : directories) {
    std::string path = fmt::format("{}/{}", directory, name);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  throw std::runtime_error(
      fmt::format("cannot find {}: it is not in {}", name, fmt::join(directories, ", ")));
}

}  // namespace

std::string find_helper_program(Helper which) {
  const std::string name(to_string(which));
  const std::string folder = name.substr(std::string_view("hpp-").size());
  const std::string around = directory_above(program_directory());
  return find_in(
      {fmt::format("{}/{}", around, folder), around + "/libexec/hpp", std::string(HPP_HELPER_DIR)},
      name);
}

std::string find_ctl_program() {
  const std::string here = program_directory();
  return find_in({directory_above(here) + "/ctl", here}, "hpp-ctl");
}

}  // namespace hpp::launch
