#include "supervisord/memory.h"

#include <algorithm>
#include <string>

#include "common/os/file.h"
#include "supervisord/core/memory_limit.h"

namespace hpp::supervisord {
namespace {

std::string text_of(const std::string& path) {
  return read_file(path).value_or("");
}

}  // namespace

std::optional<std::uint64_t> available_memory() {
  std::optional<std::uint64_t> available = machine_memory(text_of("/proc/meminfo"));
  for (const std::string& group : groups_of(text_of("/proc/self/cgroup"))) {
    const std::string folder = "/sys/fs/cgroup" + group + "/memory.";
    const auto left = group_memory({.max = text_of(folder + "max"),
                                    .current = text_of(folder + "current"),
                                    .stat = text_of(folder + "stat")});
    if (left) available = std::min(available.value_or(*left), *left);
  }
  return available;
}

}  // namespace hpp::supervisord
