// Pure. Decides which of the running instances is meant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hpp::ctl {

// Who starts the helpers of an instance again when they crash, and ends them.
enum class Keeper { Launch, Systemd, Nobody };

// Helpers at work in one run directory.
struct Instance {
  std::string name;           // of its run directory
  std::string run_directory;  // where its helpers meet
  std::int64_t pid = 0;       // of hpp-launch; without one, of a helper
  Keeper keeper = Keeper::Launch;
  std::string url;        // `http://localhost:8000`
  std::string directory;  // the one that it works in; empty: not to be seen

  bool operator==(const Instance&) const = default;
};

// Why there is no answer, in one line that lists what runs.
struct NoChoice {
  std::string why;

  bool operator==(const NoChoice&) const = default;
};

// `running`: in the order of their names. The one of that name, or without a name any, that works
// in `directory`, or else in the nearest folder above it. If a single instance has the name, it is
// meant wherever it works. Nothing else is guessed: an instance that works somewhere else is not
// meant because it is the only one. `directory` is absolute, without links.
std::variant<Instance, NoChoice> choose(const std::vector<Instance>& running, std::string_view name,
                                        std::string_view directory);

}  // namespace hpp::ctl
