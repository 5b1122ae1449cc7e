// Pure. Judges facts about this machine, the project and a running hpp, for `hpp-ctl doctor`: one
// rule for each cause that the README's "When something is wrong" names, and for those that hpp's
// own messages name.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/mounts.h"
#include "ctl/core/report.h"

namespace hpp::ctl {

// A process that listens where hpp or the server would.
struct PortFacts {
  std::string option;   // `BIND` or `BACKEND`
  std::string address;  // `localhost:8000`
  std::string owner;    // `pid 1234 (node x.js)`; empty: no process listens
};

// A folder that hpp watches, or would watch.
struct FolderFacts {
  std::string path;
  std::string id;  // the directory at the path (common/os/directory_id.h); empty: there is none
  FolderMounts mounts;
};

struct LockFacts {
  std::string path;
  std::chrono::milliseconds age{};
};

// A process of the running hpp.
struct ProcessFacts {
  std::string name;  // `hpp-watchd`
  std::int64_t pid = 0;
  std::string version;       // empty: it could not be asked
  bool is_replaced = false;  // its program's file has been deleted or replaced since it was started
};

struct RunDirectoryFacts {
  std::string path;
  std::string problem;  // why hpp cannot use it: owner, mode; empty: it can, or there is none
  std::uint64_t free_kib = 0;  // space of its file system
};

// The processes and directories that ended runs of hpp have left behind.
struct Leftovers {
  std::vector<std::string> directories;  // run directories

  struct Process {
    std::int64_t pid = 0;
    std::string text;           // `pid 1234 (node x.js)`
    std::string run_directory;  // that of its hpp

    bool operator==(const Process&) const = default;
  };

  std::vector<Process> processes;
};

struct DoctorFacts {
  std::string own_version;  // of hpp-ctl

  bool watchman_is_installed = false;
  bool watchman_answers = false;
  std::string watchman_version;

  std::optional<Snapshots> snapshots;  // nothing: no hpp runs for this folder
  std::string url;                     // the address of the hpp that runs
  std::vector<ProcessFacts> processes;

  std::uint64_t watches_limit = 0;    // fs.inotify.max_user_watches; 0: unknown
  std::uint64_t instances_limit = 0;  // fs.inotify.max_user_instances; 0: unknown
  std::uint64_t watches_used = 0;     // by this user
  std::uint64_t instances_used = 0;

  std::string config_problem;        // of hpp.toml
  std::vector<PortFacts> ports;      // of hpp.toml, if no hpp runs
  std::vector<FolderFacts> folders;  // the first one is the project folder
  std::vector<LockFacts> git_locks;
  RunDirectoryFacts run_directory;
  Leftovers leftovers;
};

// Space below which hpp may not be able to write its state and the output log.
constexpr std::uint64_t kSpaceMinKib = 4 * 1024;

enum class Level {
  Ok,
  Note,     // nothing is wrong, but it may surprise
  Problem,  // hpp or the project does not work as it should
};

struct Finding {
  Level level = Level::Ok;
  std::string check;  // `watchman`, `ports`
  std::string what;   // what was found
  std::string why;    // why it matters; empty if Ok
  std::string cure;   // what to do; empty if Ok

  bool operator==(const Finding&) const = default;
};

// Returns the findings in the order of the checks; at least one for each check.
std::vector<Finding> diagnose(const DoctorFacts& facts);

bool has_problem(const std::vector<Finding>& findings);

// A line for each finding, followed by its reason and its cure; at the end the sum.
std::string doctor_text(const std::vector<Finding>& findings);

// One JSON object and a newline: `ok`, `findings` (each with `level`, `check`, `what`, `why` and
// `cure`), and `fixed`: what --fix has removed.
std::string doctor_json(const std::vector<Finding>& findings,
                        const std::vector<std::string>& fixed);

}  // namespace hpp::ctl
