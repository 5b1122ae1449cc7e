// Pure. Reads how much memory a new process can use from the texts of the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::supervisord {

// Returns the bytes that the machine has available, from the text of /proc/meminfo. Nothing: an old
// kernel does not say.
std::optional<std::uint64_t> machine_memory(std::string_view meminfo);

// The text of the files of a control group (cgroups(7), version 2). Empty: there is no such file.
struct MemoryGroup {
  std::string max;      // memory.max
  std::string current;  // memory.current
  std::string stat;     // memory.stat
};

// Returns the bytes that the group's limit leaves. Nothing: it has no limit.
std::optional<std::uint64_t> group_memory(const MemoryGroup& group);

// Returns the paths of a process's control group of version 2 and of the groups above it, from the
// text of /proc/PID/cgroup: `/user.slice/a.service`, `/user.slice`, and an empty one, which is the
// root's. Version 1: none.
std::vector<std::string> groups_of(std::string_view cgroup);

}  // namespace hpp::supervisord
