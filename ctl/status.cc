#include "ctl/commands.h"

#include <chrono>
#include <cstdio>

#include "ctl/print.h"
#include "ctl/snapshots.h"

namespace hpp::ctl {

int status(const Instance& instance, const CtlOptions& options) {
  const Snapshots snapshots = read_snapshots(instance.run_directory);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  if (options.json) {
    print_json(status_json(instance, snapshots));
  } else {
    print_text(stdout, status_text(instance, snapshots, now_ms));
  }
  return 0;
}

}  // namespace hpp::ctl
