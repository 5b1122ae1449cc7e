#include "ctl/core/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "common/git_lock.h"
#include "common/json_text.h"
#include "common/text.h"
#include "common/time_point.h"
#include "common/tree_clock.h"

namespace hpp::ctl {
namespace {

using Findings = std::vector<Finding>;

// A limit that is used by this share is nearly reached.
constexpr std::uint64_t kNearlyPercent = 90;

const char* name_of(Level level) {
  switch (level) {
    case Level::Ok:
      return "ok";
    case Level::Note:
      return "note";
    case Level::Problem:
      return "problem";
  }
  return "";
}

// Collects the findings of one check.
class Check {
 public:
  Check(Findings& findings, std::string name)
      : findings_(findings), name_(std::move(name)), before_(findings.size()) {}

  void problem(std::string what, std::string why, std::string cure) {
    findings_.push_back({Level::Problem, name_, std::move(what), std::move(why), std::move(cure)});
  }

  void note(std::string what, std::string why, std::string cure) {
    findings_.push_back({Level::Note, name_, std::move(what), std::move(why), std::move(cure)});
  }

  void ok(std::string what) { findings_.push_back({Level::Ok, name_, std::move(what)}); }

  // Adds that all is well, if nothing else was found.
  void otherwise(std::string what) {
    if (findings_.size() == before_) ok(std::move(what));
  }

 private:
  Findings& findings_;
  std::string name_;
  std::size_t before_;
};

void check_watchman(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "watchman");
  if (!facts.watchman_is_installed) {
    check.note("Watchman is not installed",
               "hpp uses inotify instead, which needs a watch for each folder",
               "Nothing, unless the project has many folders; then: apt install watchman");
  } else if (!facts.watchman_answers) {
    check.problem(
        "Watchman does not answer", "hpp does not learn of saves from it",
        "watchman shutdown-server ends it, or kill its process; hpp starts it again. Or use "
        "--watcher inotify");
  }
  check.otherwise("Watchman answers, version " + facts.watchman_version);
}

// Reports the problem that the server's state shows.
void check_server(const bus::BackendState& backend, Check& check) {
  if (backend.state == bus::BackendPhase::Error) {
    check.problem("your server does not run: " + words(backend),
                  backend.error ? bus::to_string(*backend.error) : "requests get an error page",
                  "hpp-ctl log --since-save shows what it printed");
  }
  if (!backend.delay.empty()) {
    check.problem("requests wait: " + backend.delay,
                  "your server has not answered HEAD / or GET / yet",
                  "Does it listen on BACKEND? If it does, try --ready-path or --ready tcp");
  }
  if (!backend.problem.empty()) {
    check.problem(backend.problem, "hpp says so about your server",
                  "hpp-ctl log shows what happened");
  }
  if (!backend.stranger.empty()) {
    check.problem(
        fmt::format("{} answers on {}, not your command", backend.stranger, backend.address),
        "requests would go to the wrong server", "End that process, or change BACKEND");
  }
  if (backend.paused) {
    check.note("hpp is paused", "saves do not restart your server",
               "hpp-ctl resume ends the pause");
  }
}

void check_state(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "hpp");
  if (!facts.snapshots) return check.otherwise("none runs for this folder");
  const Snapshots& snapshots = *facts.snapshots;
  for (const std::string& author : snapshots.silent) {
    check.problem(
        fmt::format("hpp-{} does not answer", author), "hpp does not do its part",
        "Wait a second, because hpp restarts it. If it stays so: hpp-ctl stop, and start hpp");
  }
  if (snapshots.backend) check_server(*snapshots.backend, check);
  if (snapshots.proxy && !snapshots.proxy->problem.empty()) {
    check.problem(snapshots.proxy->problem, "browsers may not be served, or not reload",
                  "If it is about LiveReload's port, choose another one with --livereload-port");
  }
  check.otherwise("runs at " + facts.url);
}

// The source that reports the changes of the folder to the running hpp.
WatchSource source_in(const TreeClock& clock, const FolderFacts& folder, bool is_project) {
  if (is_project) return source_of(clock.first);
  for (const PartClock& part : clock.others) {
    if (part.directory == folder.id) return source_of(part.clock);
  }
  return WatchSource::Unknown;
}

std::string watched_text(const FolderFacts& folder, WatchSource source) {
  const std::string& path = folder.path;
  if (folder.id.empty()) return path + " does not exist, and is watched as soon as it does";
  switch (source) {
    case WatchSource::Watchman:
      return "Watchman reports changes in " + path;
    case WatchSource::Inotify:
      return "inotify reports changes in " + path;
    case WatchSource::Poll:
      return "hpp polls " + path;
    case WatchSource::Unknown:
      break;
  }
  return path + " is watched";
}

// Notes the file systems in the folder that do not report changes. Returns whether there is one.
bool note_silent(const FolderFacts& folder, bool is_polled, Check& check) {
  const auto note = [&](const std::string& path, const std::string& type) {
    check.note(fmt::format("{} is on a file system of the type {}", path, type),
               is_polled ? "it does not report changes, so hpp polls it: saves are seen later"
                         : "it does not report changes",
               "Keep the files on a local disk, or start hpp with --watcher poll");
  };
  if (is_silent(folder.mounts.type)) note(folder.path, folder.mounts.type);
  for (const Mount& mount : folder.mounts.silent) {
    note(fmt::format("{}/{}", folder.path, mount.point), mount.type);
  }
  return is_silent(folder.mounts.type) || !folder.mounts.silent.empty();
}

void check_files(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "files");
  const auto* const tree =
      facts.snapshots && facts.snapshots->tree ? &*facts.snapshots->tree : nullptr;
  if (tree != nullptr && !tree->watching) {
    check.problem(
        "hpp does not watch the files", tree->problem,
        "If it stays so: hpp-ctl restart after each save, or start hpp with --watcher poll");
  }
  const TreeClock clock = tree != nullptr ? parse_tree_clock(tree->clock) : TreeClock{};
  for (const FolderFacts& folder : facts.folders) {
    const WatchSource source = source_in(clock, folder, &folder == &facts.folders.front());
    const bool is_polled = source == WatchSource::Poll || (tree != nullptr && tree->lag_ms != 0);
    if (note_silent(folder, is_polled, check)) continue;
    if (tree == nullptr) check.ok("all changes are reported in " + folder.path);
    if (tree != nullptr && tree->watching) check.ok(watched_text(folder, source));
  }
}

void check_limit(Check& check, const char* name, std::uint64_t used, std::uint64_t limit) {
  if (limit == 0 || used * 100 < limit * kNearlyPercent) return;
  check.problem(
      fmt::format("{} of {} {} are in use", used, limit, name),
      "if the rest is used up, hpp or Watchman misses changes, or has to poll",
      fmt::format("sudo sysctl fs.inotify.{}={}, or exclude large folders with ignore_dirs "
                  "in .watchmanconfig",
                  name, 2 * limit));
}

void check_inotify(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "inotify");
  check_limit(check, "max_user_watches", facts.watches_used, facts.watches_limit);
  check_limit(check, "max_user_instances", facts.instances_used, facts.instances_limit);
  check.otherwise(fmt::format("{} of {} watches and {} of {} instances are in use",
                              facts.watches_used, facts.watches_limit, facts.instances_used,
                              facts.instances_limit));
}

void check_ports(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "ports");
  if (!facts.config_problem.empty()) {
    check.problem(facts.config_problem, "hpp cannot start with this hpp.toml", "Correct the file");
  }
  for (const auto& [option, address, owner] : facts.ports) {
    if (owner.empty()) continue;
    check.problem(fmt::format("{} {} is in use by {}", option, address, owner),
                  option == "BIND" ? "hpp cannot listen there" : "your server cannot listen there",
                  fmt::format("End that process, or choose another {}", option));
  }
  if (facts.snapshots) return check.otherwise("those of the running hpp are its own");
  check.otherwise(facts.ports.empty() ? "hpp.toml names none" : "those of hpp.toml are free");
}

void check_git(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "git");
  for (const auto& [path, age] : facts.git_locks) {
    if (age < kGitLockPatience) continue;
    check.problem(fmt::format("the lock {} is {} old", path, duration_text(age)),
                  "git refuses to work, and hpp no longer waits for the end of a checkout",
                  fmt::format("If no git runs, and none waits for an editor: rm {}", path));
  }
  check.otherwise("no old lock");
}

void check_versions(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "versions");
  constexpr const char* kCure = "Restart hpp: hpp-ctl stop, and start it again";
  for (const auto& [name, pid, version, is_replaced] : facts.processes) {
    if (!version.empty() && version != facts.own_version) {
      check.problem(fmt::format("{} (pid {}) has version {}, hpp-ctl {}", name, pid, version,
                                facts.own_version),
                    "programs of different versions may not understand each other", kCure);
    } else if (is_replaced) {
      check.problem(
          fmt::format("the program of {} (pid {}) was replaced since it was started", name, pid),
          "if it crashes, a program of another build takes its place", kCure);
    }
  }
  check.otherwise("all programs have version " + facts.own_version);
}

void check_run_directory(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "run directory");
  const auto& [path, problem, free_kib] = facts.run_directory;
  if (!problem.empty()) {
    check.problem(
        problem, "hpp keeps its state there, and other users must not be able to change it",
        fmt::format("chmod 700 {}, if it is yours; or set XDG_RUNTIME_DIR to a directory of "
                    "your own",
                    path));
  }
  if (free_kib < kSpaceMinKib) {
    check.problem(fmt::format("the file system of {} has only {} KiB left", path, free_kib),
                  "hpp cannot write its state and the output of your server there",
                  "Remove files there, or set XDG_RUNTIME_DIR to another directory of your own");
  }
  check.otherwise(fmt::format("{} is usable", path));
}

void check_leftovers(const DoctorFacts& facts, Findings& findings) {
  Check check(findings, "leftovers");
  for (const Leftovers::Process& process : facts.leftovers.processes) {
    check.problem(fmt::format("{} is left of the hpp of {}, which does not run", process.text,
                              process.run_directory),
                  "it may hold your server's port or files",
                  "The next hpp of that name kills it; hpp-ctl doctor --fix does so now");
  }
  for (const std::string& directory : facts.leftovers.directories) {
    check.note(fmt::format("{} is the run directory of an hpp that has ended", directory),
               "it takes a little space until hpp is started there again",
               "Nothing, or hpp-ctl doctor --fix removes it, with the output log");
  }
  check.otherwise("none");
}

}  // namespace

std::vector<Finding> diagnose(const DoctorFacts& facts) {
  Findings findings;
  for (const auto check : {check_state, check_watchman, check_files, check_inotify, check_ports,
                           check_git, check_versions, check_run_directory, check_leftovers}) {
    check(facts, findings);
  }
  return findings;
}

bool has_problem(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.level == Level::Problem; });
}

std::string doctor_text(const std::vector<Finding>& findings) {
  std::string text;
  std::size_t problems = 0;
  for (const auto& [level, check, what, why, cure] : findings) {
    // printable() ensures that line breaks in a name do not start another line.
    text += fmt::format("{:<8} {:<14} {}\n", name_of(level), check, printable(what));
    if (!why.empty()) text += fmt::format("{:<23} why:  {}\n", "", printable(why));
    if (!cure.empty()) text += fmt::format("{:<23} cure: {}\n", "", printable(cure));
    if (level == Level::Problem) ++problems;
  }
  if (problems == 0) return text + "nothing is wrong\n";
  return text + fmt::format("{} problem{} found\n", problems, problems == 1 ? "" : "s");
}

std::string doctor_json(const std::vector<Finding>& findings,
                        const std::vector<std::string>& fixed) {
  using Json = nlohmann::ordered_json;
  Json json{{"ok", !has_problem(findings)}, {"findings", Json::array()}, {"fixed", fixed}};
  for (const auto& [level, check, what, why, cure] : findings) {
    json["findings"].push_back(Json{
        {"level", name_of(level)}, {"check", check}, {"what", what}, {"why", why}, {"cure", cure}});
  }
  return json_text(json) + '\n';
}

}  // namespace hpp::ctl
