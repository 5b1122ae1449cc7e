#include "ctl/instances.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <variant>

#include "common/bus/codec.h"
#include "common/bus/endpoints.h"
#include "common/os/file.h"
#include "common/os/process_tree.h"
#include "common/os/run_directory.h"

namespace hpp::ctl {
namespace {

namespace fs = std::filesystem;

// hpp-launch writes `pid 123, http://localhost:8000`.
std::string url_in(const std::string& lock_text) {
  const auto at = lock_text.find("http://");
  return at == std::string::npos ? "" : lock_text.substr(at);
}

// Where proxyd listens, by its own account.
std::string url_of_proxy(const std::string& run_directory) {
  const auto text = read_file(bus::snapshot_path(run_directory, bus::Topic::Proxy));
  const bus::Decoded decoded = bus::decode(text.value_or(""));
  const auto* const message = std::get_if<bus::Message>(&decoded);
  const auto* const proxy = message != nullptr ? std::get_if<bus::ProxyState>(message) : nullptr;
  if (proxy == nullptr || proxy->listening.empty()) return "";
  return "http://" + proxy->listening.front();
}

std::optional<pid_t> any_helper(const std::string& run_directory) {
  for (const bus::Topic topic : {bus::Topic::Proxy, bus::Topic::Backend, bus::Topic::Tree}) {
    if (const auto pid = lock_holder(bus::lock_path(run_directory, topic))) return pid;
  }
  return std::nullopt;
}

// systemd tells each process that it starts its own number, systemd.exec(5); others inherit
// another's.
Keeper keeper_of(pid_t helper) {
  const std::string systemds = fmt::format("SYSTEMD_EXEC_PID={}", helper);
  return has_environment(helper, systemds) ? Keeper::Systemd : Keeper::Nobody;
}

std::optional<Instance> instance_in(const fs::path& directory) {
  if (!is_trustworthy_directory(directory)) return std::nullopt;
  const std::string lock = run_lock_path(directory);
  const auto launcher = lock_holder(lock);
  const auto pid = launcher ? launcher : any_helper(directory);
  if (!pid) return std::nullopt;
  std::error_code error;
  const fs::path working = fs::read_symlink(fmt::format("/proc/{}/cwd", *pid), error);
  return Instance{.name = directory.filename(),
                  .run_directory = directory,
                  .pid = *pid,
                  .keeper = launcher ? Keeper::Launch : keeper_of(*pid),
                  .url = launcher ? url_in(read_file(lock).value_or("")) : url_of_proxy(directory),
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

bool is_running(const Instance& instance) {
  if (instance.keeper == Keeper::Launch) {
    return lock_holder(run_lock_path(instance.run_directory)).has_value();
  }
  return any_helper(instance.run_directory).has_value();
}

}  // namespace hpp::ctl
