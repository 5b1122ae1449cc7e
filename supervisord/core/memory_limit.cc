#include "supervisord/core/memory_limit.h"

#include <algorithm>

#include "common/read_number.h"
#include "common/take_until.h"

namespace hpp::supervisord {
namespace {

// Returns the number after `name` and blanks in a text of lines `NAME NUMBER`.
std::optional<std::uint64_t> number_after(std::string_view name, std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take_until('\n', text);
    if (!line.starts_with(name)) continue;
    line.remove_prefix(std::min(line.find_first_not_of(" \t", name.size()), line.size()));
    return read_number<std::uint64_t>(line.substr(0, line.find_first_not_of("0123456789")));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> machine_memory(std::string_view meminfo) {
  const auto kib = number_after("MemAvailable:", meminfo);
  if (!kib) return std::nullopt;
  return *kib * 1024;
}

// The kernel drops inactive file pages when it needs memory, although they count as used.
std::optional<std::uint64_t> group_memory(const MemoryGroup& group) {
  const auto max = number_after("", group.max);  // no number if it is `max`
  const auto used = number_after("", group.current);
  if (!max || !used) return std::nullopt;
  const std::uint64_t idle = number_after("inactive_file", group.stat).value_or(0);
  const std::uint64_t needed = *used - std::min(*used, idle);
  return *max - std::min(*max, needed);
}

std::vector<std::string> groups_of(std::string_view cgroup) {
  constexpr std::string_view kVersion2 = "0::";
  std::vector<std::string> groups;
  while (!cgroup.empty()) {
    const std::string_view line = take_until('\n', cgroup);
    if (!line.starts_with(kVersion2)) continue;
    std::string_view path = line.substr(kVersion2.size());
    for (; path.size() > 1; path = path.substr(0, path.rfind('/'))) groups.emplace_back(path);
    groups.emplace_back();
  }
  return groups;
}

}  // namespace hpp::supervisord
