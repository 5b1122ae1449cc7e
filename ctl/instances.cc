#include "ctl/instances.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <variant>

#include "common/bus/codec.h"
#include "common/bus/endpoints.h"
#include "common/os/file.h"
#include "common/os/process_info.h"
#include "common/os/project_directory.h"
#include "common/os/real_path.h"
#include "common/os/run_directory.h"
#include "ctl/core/failure.h"

namespace hpp::ctl {
namespace {

namespace fs = std::filesystem;

// The URL in the lock file, where hpp-launch writes `pid 123, http://localhost:8000`.
std::string url_in(const std::string& lock_text) {
  const auto at = lock_text.find("http://");
  return at == std::string::npos ? "" : lock_text.substr(at);
}

// The URL at which proxyd listens, from its snapshot file.
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

// systemd sets SYSTEMD_EXEC_PID to the pid of the process that it starts, systemd.exec(5). A
// descendant inherits the variable, but with another process's pid.
Keeper keeper_of(pid_t helper) {
  const std::string systemds = fmt::format("SYSTEMD_EXEC_PID={}", helper);
  return has_environment(helper, systemds) ? Keeper::Systemd : Keeper::None;
}

// The project folder, from watchd's snapshot file. Until watchd has written one, the working
// directory of process `pid`; that is less reliable, because the folder may have been renamed or
// removed since hpp was started.
std::string project_folder(const std::string& run_directory, std::int64_t pid) {
  const auto text = read_file(bus::snapshot_path(run_directory, bus::Topic::Tree));
  const bus::Decoded decoded = bus::decode(text.value_or(""));
  const auto* const message = std::get_if<bus::Message>(&decoded);
  const auto* const tree = message != nullptr ? std::get_if<bus::TreeState>(message) : nullptr;
  if (tree != nullptr && !tree->directory.empty()) return real_path(tree->directory);
  std::error_code error;
  return fs::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
}

std::optional<Instance> instance_in(const fs::path& directory) {
  if (!is_trustworthy_directory(directory)) return std::nullopt;
  const std::string lock = run_lock_path(directory);
  const auto launcher = lock_holder(lock);
  const auto pid = launcher ? launcher : any_helper(directory);
  if (!pid) return std::nullopt;
  return Instance{.name = directory.filename(),
                  .run_directory = directory,
                  .pid = *pid,
                  .keeper = launcher ? Keeper::Launch : keeper_of(*pid),
                  .url = launcher ? url_in(read_file(lock).value_or("")) : url_of_proxy(directory),
                  .directory = project_folder(directory, *pid)};
}

// The current directory's path. If the directory was removed, PWD still has the path, and another
// directory may exist there by now.
std::string working_path() {
  try {
    return project_directory();
  } catch (const std::system_error&) {
    const char* const pwd = std::getenv("PWD");
    if (pwd != nullptr && *pwd == '/') return pwd;
    throw;
  }
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

Instance find_instance(const CtlOptions& options) {
  if (!options.run_directory.empty()) {
    auto instance = instance_in(real_path(options.run_directory));
    if (instance) return std::move(*instance);
    throw Failure(CommandStatus::NothingRuns,
                  fmt::format("no hpp is running in the run directory {}", options.run_directory));
  }
  auto choice = choose(running_instances(), options.name, real_path(working_path()));
  if (const auto* const none = std::get_if<NoChoice>(&choice)) {
    throw Failure(none->is_ambiguous ? CommandStatus::Usage : CommandStatus::NothingRuns,
                  none->why);
  }
  return std::get<Instance>(std::move(choice));
}

bool has_running_hpp(const std::string& run_directory) {
  return lock_holder(run_lock_path(run_directory)) || any_helper(run_directory);
}

bool is_running(const Instance& instance) {
  if (instance.keeper == Keeper::Launch) {
    return lock_holder(run_lock_path(instance.run_directory)).has_value();
  }
  return any_helper(instance.run_directory).has_value();
}

}  // namespace hpp::ctl
