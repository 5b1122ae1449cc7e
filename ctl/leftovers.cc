#include "ctl/leftovers.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>

#include "common/os/backend_tag.h"
#include "common/os/build_daemons.h"
#include "common/os/process_handle.h"
#include "common/os/process_info.h"
#include "common/os/real_path.h"
#include "common/os/run_directory.h"
#include "ctl/ask.h"
#include "ctl/instances.h"

namespace hpp::ctl {
namespace {

namespace fs = std::filesystem;

// How long a killed process may take to end, while the kernel frees its memory. One that the kernel
// does not interrupt, as in a read from a dead network disk, takes longer.
constexpr std::chrono::milliseconds kKillMax{5'000};

bool is_meant(const CtlOptions& options, const std::string& run_directory) {
  if (!options.run_directory.empty()) {
    return real_path(run_directory) == real_path(options.run_directory);
  }
  return options.name.empty() || fs::path(run_directory).filename() == options.name;
}

// Whether an hpp has made the directory, and none uses it.
bool is_left(const std::string& directory) {
  return is_trustworthy_directory(directory) && !kept_instance_id(directory).empty() &&
         !has_running_hpp(directory);
}

std::vector<std::string> left_directories(const CtlOptions& options) {
  std::set<std::string> candidates;
  if (!options.run_directory.empty()) candidates.insert(real_path(options.run_directory));
  for (const std::string& root : run_directory_roots()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root, error)) candidates.insert(entry.path());
  }
  std::vector<std::string> found;
  for (const std::string& directory : candidates) {
    if (is_meant(options, directory) && is_left(directory)) found.push_back(directory);
  }
  return found;
}

std::string mount_namespace_of(const std::string& process) {
  std::error_code error;
  return fs::read_symlink(fmt::format("/proc/{}/ns/mnt", process), error);
}

// Whether hpp-launch or supervisord runs above the process. Then its hpp runs, also if its run
// directory was deleted and the locks in it with it.
bool is_below_hpp(pid_t pid) {
  const std::vector<pid_t> above = with_ancestors(parent_of(pid));
  return std::any_of(above.begin(), above.end(), [](pid_t one) {
    const std::string program = one > 1 ? program_name_of(one) : "";
    return program.starts_with("hpp-launch") || program.starts_with("hpp-supervisord");
  });
}

// The run directory in a process's tag (backend_tag.h); nothing: it is not a server's process.
std::optional<std::string> run_directory_of(pid_t pid) {
  const auto tag = environment_value(pid, kBackendTag);
  if (!tag) return std::nullopt;
  const fs::path path(*tag);
  if (!path.is_absolute() || path.filename() == kBuildTag) return std::nullopt;
  return path.parent_path().parent_path().native();
}

std::vector<Leftovers::Process> left_processes(const CtlOptions& options) {
  const std::vector<pid_t> spared = with_ancestors(::getpid());
  const std::string own_namespace = mount_namespace_of("self");
  std::vector<Leftovers::Process> found;
  for (const pid_t pid : processes_tagged("")) {
    const auto directory = run_directory_of(pid);
    if (!directory || std::find(spared.begin(), spared.end(), pid) != spared.end() ||
        !is_meant(options, *directory))
      continue;
    if (mount_namespace_of(std::to_string(pid)) != own_namespace) continue;
    if (has_running_hpp(*directory) || is_below_hpp(pid)) continue;
    found.push_back({.pid = pid, .text = describe_process(pid), .run_directory = *directory});
  }
  return found;
}

// Holds the lock of the directory meanwhile, so that no hpp starts there. Throws a std::exception
// if that or the removal fails.
bool remove_directory(const std::string& path) {
  if (!is_left(path)) return false;
  const RunDirectory directory(path);
  const auto lock = directory.lock(kRunLock);
  if (!lock) return false;
  fs::remove_all(path);
  return true;
}

}  // namespace

Leftovers find_leftovers(const CtlOptions& options) {
  return {.directories = left_directories(options), .processes = left_processes(options)};
}

std::vector<std::string> remove_leftovers(const CtlOptions& options) {
  std::vector<std::string> done;
  const auto find = [&options] {
    std::vector<pid_t> pids;
    for (const auto& process : left_processes(options)) {
      pids.push_back(static_cast<pid_t>(process.pid));
    }
    return pids;
  };
  const Deadline deadline = std::chrono::steady_clock::now() + kKillMax;
  // A process may have forked after it was found and before it was killed.
  while (const auto handles = open_processes(find)) {
    for (const ProcessHandle& handle : *handles) handle.signal(SIGKILL);
    for (const ProcessHandle& handle : *handles) {
      if (wait_for(handle.pidfd.get(), POLLIN, deadline))
        done.push_back(fmt::format("killed pid {}", handle.pid));
    }
    if (is_over(deadline)) break;
  }
  for (const std::string& directory : left_directories(options)) {
    if (remove_directory(directory)) done.push_back("removed " + directory);
  }
  return done;
}

}  // namespace hpp::ctl
