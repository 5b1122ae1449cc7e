// Pure. Decides which of the running instances the user means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hpp::ctl {

// The program that restarts an instance's helpers if they crash, and stops them. None: a developer
// has started them by hand.
enum class Keeper { Launch, Systemd, None };

// The helpers that run in one run directory.
struct Instance {
  std::string name;           // the run directory's file name
  std::string run_directory;  // path of the helpers' common directory
  std::int64_t pid = 0;       // hpp-launch's pid or, without hpp-launch, a helper's
  Keeper keeper = Keeper::Launch;
  std::string url;        // `http://localhost:8000`
  std::string directory;  // the project folder; empty if unknown

  bool operator==(const Instance&) const = default;
};

// Why no instance was chosen, in one line that lists the running instances.
struct NoChoice {
  std::string why;
  bool is_ambiguous = false;  // there are several, and the user must name one

  bool operator==(const NoChoice&) const = default;
};

// Chooses from `running`, which is sorted by name. A single instance with that name is chosen,
// whatever its project folder. Otherwise, of the instances with that name (all instances, if `name`
// is empty), the one in `directory` or in the nearest folder above it is chosen. An instance in an
// unrelated folder is never chosen only because no other one runs. `directory` is absolute and
// contains no symbolic links.
std::variant<Instance, NoChoice> choose(const std::vector<Instance>& running, std::string_view name,
                                        std::string_view directory);

}  // namespace hpp::ctl
