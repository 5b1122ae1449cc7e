#include "ctl/instances.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include "common/os/file.h"
#include "common/os/run_directory.h"

namespace hpp::ctl {
namespace {

namespace fs = std::filesystem;

// hpp-launch writes `pid 123, http://localhost:8000`.
std::string url_in(const std::string& lock_text) {
  const auto at = lock_text.find("http://");
  return at == std::string::npos ? "" : lock_text.substr(at);
}

std::optional<Instance> instance_in(const fs::path& directory) {
  if (!is_private_directory(directory)) return std::nullopt;
  const std::string lock = run_lock_path(directory);
  const auto pid = lock_holder(lock);
  if (!pid) return std::nullopt;
  std::error_code error;
  const fs::path working = fs::read_symlink(fmt::format("/proc/{}/cwd", *pid), error);
  return Instance{.name = directory.filename(),
                  .run_directory = directory,
                  .pid = *pid,
                  .url = url_in(read_file(lock).value_or("")),
                  .directory = working};
}

}  // namespace

std::vector<Instance> running_instances() {
  std::vector<Instance> found;
  for (const std::string& root : run_directory_roots()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root, error)) {
      if (auto instance = instance_in(entry.path())) found.push_back(std::move(*instance));
    }
  }
  std::sort(found.begin(), found.end(), [](const Instance& a, const Instance& b) {
    return std::tie(a.name, a.run_directory) < std::tie(b.name, b.run_directory);
  });
  return found;
}

Instance find_instance(const std::string& name) {
  auto choice = choose(running_instances(), name, fs::current_path().native());
  if (const auto* const none = std::get_if<NoChoice>(&choice)) throw std::runtime_error(none->why);
  return std::get<Instance>(std::move(choice));
}

}  // namespace hpp::ctl
