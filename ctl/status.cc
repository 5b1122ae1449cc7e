#include "ctl/commands.h"

#include <cstdio>
#include <vector>

#include "common/clock.h"
#include "ctl/instances.h"
#include "ctl/print.h"
#include "ctl/snapshots.h"

namespace hpp::ctl {

int status(const Instance& instance, const CtlOptions& options) {
  const Snapshots snapshots = read_snapshots(instance.run_directory);
  if (options.json) {
    print_json(status_json(instance, snapshots));
  } else {
    print_text(stdout, status_text(instance, snapshots, wall_ms()));
  }
  return 0;
}

int status_of_all(const CtlOptions& options) {
  std::vector<InstanceState> states;
  for (const Instance& instance : running_instances()) {
    states.push_back({instance, read_snapshots(instance.run_directory)});
  }
  if (!options.json) {
    print_text(stdout, list_text(states));
    return 0;
  }
  for (const InstanceState& state : states)
    print_json(status_json(state.instance, state.snapshots));
  return 0;
}

}  // namespace hpp::ctl
