#include <fmt/format.h>

#include <chrono>

#include "ctl/commands.h"
#include "ctl/snapshots.h"

namespace hpp::ctl {

int status(const Instance& instance, const CtlOptions& options) {
  const Snapshots snapshots = read_snapshots(instance.run_directory);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  fmt::print("{}", options.json ? status_json(instance, snapshots)
                                : status_text(instance, snapshots, now_ms));
  return 0;
}

}  // namespace hpp::ctl
