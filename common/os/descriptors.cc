#include "common/os/descriptors.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/os/file.h"
#include "common/read_number.h"

namespace hpp {

std::optional<std::vector<Descriptor>> descriptors_of(pid_t pid) {
  namespace fs = std::filesystem;
  std::vector<Descriptor> found;
  std::error_code failed;
  fs::directory_iterator entry(fmt::format("/proc/{}/fd", pid), failed);
  if (failed == std::errc::permission_denied) return std::nullopt;
  for (const fs::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
    std::error_code gone;
    std::string target = fs::read_symlink(entry->path(), gone).native();
    const auto number = read_number<int>(entry->path().filename().native());
    if (number && !gone) found.push_back({*number, std::move(target)});
  }
  return found;
}

std::optional<int> access_of(pid_t pid, const Descriptor& descriptor) {
  constexpr std::string_view kFlags = "flags:";
  const auto info = read_file(fmt::format("/proc/{}/fdinfo/{}", pid, descriptor.number));
  const auto flags = info ? info->find(kFlags) : std::string::npos;
  if (flags == std::string::npos) return std::nullopt;
  const auto octal = std::strtoul(info->c_str() + flags + kFlags.size(), nullptr, 8);
  return static_cast<int>(octal & O_ACCMODE);
}

}  // namespace hpp
