#include <csignal>

#include "common/os/run_directory.h"
#include "ctl/commands.h"
#include "ctl/lock_holder.h"

namespace hpp::ctl {

int stop(const Instance& instance) {
  const auto launcher = LockHolder::find(run_lock_path(instance.run_directory));
  // If it has ended by now that is as well.
  if (launcher && launcher->signal(SIGTERM)) launcher->wait_end();
  return 0;
}

}  // namespace hpp::ctl
