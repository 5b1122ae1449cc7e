#include "ctl/doctor_facts.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "common/bus/endpoints.h"
#include "common/clock.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/json_text.h"
#include "common/options.h"
#include "common/os/directory_id.h"
#include "common/os/file.h"
#include "common/os/find_program.h"
#include "common/os/git_lock_search.h"
#include "common/os/inotify_use.h"
#include "common/os/mount_search.h"
#include "common/os/port_owner.h"
#include "common/os/project_directory.h"
#include "common/os/run_directory.h"
#include "config.h"
#include "ctl/command_run.h"
#include "ctl/core/failure.h"
#include "ctl/instances.h"
#include "ctl/leftovers.h"
#include "ctl/snapshots.h"

namespace hpp::ctl {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "hpp.toml";

// How long a program may take to name its version.
constexpr std::chrono::seconds kPatience{3};

// Runs a program to its end. Returns nothing if that takes too long.
std::optional<CommandOutcome> outcome_of(const std::string& program,
                                         const std::vector<std::string>& words) {
  Loop loop;
  std::optional<CommandOutcome> outcome;
  bool is_late = false;
  CommandRun run(
      loop, words,
      [&](const CommandOutcome& ended) {
        outcome = ended;
        loop.stop();
      },
      program);
  Timer timer(loop, [&] {
    is_late = true;
    run.kill();
  });
  timer.start(kPatience);
  loop.run();
  return is_late ? std::nullopt : outcome;
}

std::optional<Instance> instance_for(const CtlOptions& options) {
  try {
    return find_instance(options);
  } catch (const Failure& failure) {
    if (failure.status == CommandStatus::NothingRuns) return std::nullopt;
    throw;
  }
}

// Without --no-spawn, the client would start a Watchman.
void add_watchman(DoctorFacts& facts) {
  const std::string program = find_program("watchman");
  facts.watchman_is_installed = !program.empty();
  if (program.empty()) return;
  const auto outcome = outcome_of(program, {"--no-spawn", "--no-pretty", "version"});
  facts.watchman_answers = outcome && outcome->problem.empty();
  if (!facts.watchman_answers) return;
  const auto answer = parse_json(outcome->out);
  facts.watchman_version =
      answer.is_object() ? answer.value("version", "unknown") : "unknown (it does not run yet)";
}

ProcessFacts facts_of(std::string name, pid_t pid) {
  const std::string program = fmt::format("/proc/{}/exe", pid);
  std::error_code error;
  const std::string path = fs::read_symlink(program, error);
  const auto outcome = outcome_of(program, {"--version"});
  std::string version;
  if (outcome && outcome->out.starts_with(name + ' ') && outcome->out.ends_with('\n')) {
    version = outcome->out.substr(name.size() + 1, outcome->out.size() - name.size() - 2);
  }
  return {.name = std::move(name),
          .pid = pid,
          .version = std::move(version),
          .is_replaced = path.ends_with(" (deleted)")};
}

void add_instance(const Instance& instance, DoctorFacts& facts) {
  facts.url = instance.url;
  facts.snapshots = read_snapshots(instance.run_directory);
  if (instance.keeper == Keeper::Launch) {
    facts.processes.push_back(facts_of("hpp-launch", static_cast<pid_t>(instance.pid)));
  }
  for (const bus::Topic topic : {bus::Topic::Proxy, bus::Topic::Backend, bus::Topic::Tree}) {
    const auto pid = lock_holder(bus::lock_path(instance.run_directory, topic));
    if (!pid) continue;
    facts.processes.push_back(facts_of(fmt::format("hpp-{}", bus::helper_of(topic)), *pid));
  }
}

void add_port(const char* option, const Address& address, DoctorFacts& facts) {
  if (address.port == 0) return;
  try {
    const auto owner = find_port_owner(resolve(address));
    facts.ports.push_back({.option = option,
                           .address = to_string(address),
                           .owner = owner ? owner->text : std::string()});
  } catch (const std::runtime_error& error) {
    facts.config_problem = error.what();
  }
}

// The parser prints the error of a wrong hpp.toml on stderr, as hpp-launch does.
void add_ports(DoctorFacts& facts) {
  if (!fs::exists(kConfig)) return;
  const char* const words[] = {"hpp-launch"};
  const auto parsed = parse_options(Program::Launch, 1, words);
  if (!parsed.options) {
    facts.config_problem = "hpp.toml has the error that stderr shows";
    return;
  }
  add_port("BIND", parsed.options->bind, facts);
  add_port("BACKEND", parsed.options->backend, facts);
}

void add_folders(const std::optional<Instance>& instance, DoctorFacts& facts) {
  const std::string directory =
      instance && !instance->directory.empty() ? instance->directory : project_directory();
  std::vector<std::string> others;
  if (facts.snapshots && facts.snapshots->tree) others = facts.snapshots->tree->other_roots;
  const auto add = [&](const std::string& path) {
    facts.folders.push_back(
        {.path = path, .id = directory_id(path), .mounts = mounts_of_folder(path)});
  };
  add(directory);
  std::for_each(others.begin(), others.end(), add);
  for (const GitLock& lock : find_git_locks(directory, others)) {
    const std::chrono::milliseconds age(wall_ms() - lock.modified_ns / 1'000'000);
    facts.git_locks.push_back({.path = lock.path, .age = age});
  }
}

// The space for the user in KiB; for a missing directory, that of its parent.
std::uint64_t free_kib(fs::path path) {
  std::error_code error;
  while (!fs::exists(path, error) && path != path.parent_path()) path = path.parent_path();

  struct statvfs status {};

  if (::statvfs(path.c_str(), &status) != 0 || status.f_blocks == 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return status.f_bavail * (status.f_frsize / 512) / 2;
}

RunDirectoryFacts run_directory_facts(const std::string& path) {
  RunDirectoryFacts facts{.path = path, .problem = {}, .free_kib = free_kib(path)};
  std::error_code error;
  const bool is_there = fs::symlink_status(path, error).type() != fs::file_type::not_found;
  if (is_there && !is_trustworthy_directory(path)) {
    facts.problem = fmt::format(
        "{} is not a directory of this user alone: it, or a directory above it, belongs to another "
        "user or can be changed by one",
        path);
  }
  return facts;
}

}  // namespace

DoctorFacts gather_facts(const CtlOptions& options) {
  DoctorFacts facts;
  facts.own_version = HPP_VERSION;
  const auto instance = instance_for(options);
  add_watchman(facts);
  if (instance) {
    add_instance(*instance, facts);
  } else {
    add_ports(facts);
  }
  add_folders(instance, facts);
  const InotifyUse use = inotify_use();
  facts.watches_used = use.watches;
  facts.instances_used = use.instances;
  facts.watches_limit = inotify_limit("max_user_watches");
  facts.instances_limit = inotify_limit("max_user_instances");
  std::string run_directory = options.run_directory;
  if (instance) run_directory = instance->run_directory;
  if (run_directory.empty()) run_directory = run_directory_roots().front();
  facts.run_directory = run_directory_facts(run_directory);
  facts.leftovers = find_leftovers(options);
  return facts;
}

}  // namespace hpp::ctl
