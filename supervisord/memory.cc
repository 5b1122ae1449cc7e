#include "supervisord/memory.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "common/os/file.h"
#include "common/read_number.h"

namespace hpp::supervisord {
namespace {

// Returns the number after `name` and blanks in a text of lines `NAME NUMBER`.
std::optional<std::uint64_t> number_after(const std::string& text, std::string_view name) {
  const auto found = ("\n" + text).find("\n" + std::string(name));
  if (found == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(text).substr(found + name.size());
  const auto begin = std::min(rest.find_first_not_of(" \t"), rest.size());
  const auto end = std::min(rest.find_first_not_of("0123456789", begin), rest.size());
  return read_number<std::uint64_t>(rest.substr(begin, end - begin));
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  return number_after(read_file(path).value_or(""), "");
}

// Returns how much memory the limit of one control group leaves. The kernel drops inactive file
// pages when it needs memory, although they count as used.
std::optional<std::uint64_t> left_in(const std::string& group) {
  const auto max = number_in(group + "/memory.max");  // no number if it is `max`
  const auto used = number_in(group + "/memory.current");
  if (!max || !used) return std::nullopt;
  const std::string stat = read_file(group + "/memory.stat").value_or("");
  const std::uint64_t idle = number_after(stat, "inactive_file").value_or(0);
  const std::uint64_t needed = *used - std::min(*used, idle);
  return *max - std::min(*max, needed);
}

}  // namespace

std::optional<std::uint64_t> available_memory() {
  std::optional<std::uint64_t> available;
  const auto limit = [&available](std::optional<std::uint64_t> bytes) {
    if (bytes) available = std::min(available.value_or(*bytes), *bytes);
  };
  if (const auto kib = number_after(read_file("/proc/meminfo").value_or(""), "MemAvailable:")) {
    limit(*kib * 1024);
  }
  constexpr std::string_view kVersion2 = "0::";
  std::string group = read_file("/proc/self/cgroup").value_or("");
  if (!group.starts_with(kVersion2)) return available;
  group = group.substr(kVersion2.size(), group.find('\n') - kVersion2.size());
  if (group == "/") group.clear();
  for (;; group.resize(group.rfind('/'))) {
    limit(left_in("/sys/fs/cgroup" + group));
    if (group.rfind('/') == std::string::npos) return available;
  }
}

}  // namespace hpp::supervisord
