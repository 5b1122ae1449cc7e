#include "supervisord/memory.h"

#include <algorithm>
#include <string>

#include "common/os/file.h"
#include "supervisord/core/memory_limit.h"

namespace hpp::supervisord {
namespace {

std::string contents_of(const std::string& path) {
  return read_file(path).value_or("");
}

}  // namespace

std::optional<std::uint64_t> available_memory() {
  std::optional<std::uint64_t> available = machine_memory(contents_of("/proc/meminfo"));
  for (const std::string& group : groups_of(contents_of("/proc/self/cgroup"))) {
    const std::string folder = "/sys/fs/cgroup" + group + "/memory.";
    const auto left = group_memory({.max = contents_of(folder + "max"),
                                    .current = contents_of(folder + "current"),
                                    .stat = contents_of(folder + "stat")});
    if (left) available = std::min(available.value_or(*left), *left);
  }
  return available;
}

}  // namespace hpp::supervisord
