#include "ctl/commands.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/bus/endpoints.h"
#include "common/event/child.h"
#include "common/event/loop.h"
#include "common/os/process_info.h"
#include "common/os/run_directory.h"
#include "ctl/lock_holder.h"

namespace hpp::ctl {
namespace {

// How long all processes together may take to exit. The server alone has --stop-timeout, 2 s by
// default.
constexpr std::chrono::seconds kStopPatience{60};

// Ignores processes that have ended meanwhile. Sends SIGCONT, too: a suspended process (Ctrl+Z)
// does not handle SIGTERM until it continues.
void stop_holders(const std::vector<std::string>& lock_paths) {
  const Deadline deadline = std::chrono::steady_clock::now() + kStopPatience;
  std::vector<LockHolder> stopped;
  for (const std::string& path : lock_paths) {
    auto holder = LockHolder::find(path);
    if (!holder || !holder->signal(SIGTERM)) continue;
    holder->signal(SIGCONT);
    stopped.push_back(std::move(*holder));
  }
  for (const LockHolder& holder : stopped) {
    if (holder.wait_end(deadline)) continue;
    throw std::runtime_error(
        fmt::format("{} has not ended within {} s of SIGTERM. If it hangs, end it with kill -9 {}",
                    describe_process(holder.pid()), kStopPatience.count(), holder.pid()));
  }
}

// systemd would restart helpers that end without it, so systemctl stops them. The units' instance
// has the name of the run directory. The command names each service, because `systemctl stop` for
// the target does not wait until the services have stopped.
int stop_units(const std::string& name) {
  std::vector<std::string> command{"systemctl", "--user", "stop",
                                   fmt::format("hpp@{}.target", name)};
  for (const bus::Topic topic : {bus::Topic::Proxy, bus::Topic::Tree, bus::Topic::Backend}) {
    command.push_back(fmt::format("hpp-{}@{}.service", bus::helper_of(topic), name));
  }
  Loop loop;
  ExitStatus ended;
  const Child systemctl(loop, {.command = std::move(command)}, [&](ExitStatus status) {
    ended = status;
    loop.stop();
  });
  loop.run();
  return ended == ExitStatus{} ? 0 : 1;
}

}  // namespace

int stop(const Instance& instance) {
  const std::string& directory = instance.run_directory;
  switch (instance.keeper) {
    case Keeper::Launch:
      stop_holders({run_lock_path(directory)});
      return 0;
    case Keeper::Systemd:
      return stop_units(instance.name);
    case Keeper::None:
      stop_holders({bus::lock_path(directory, bus::Topic::Backend),
                    bus::lock_path(directory, bus::Topic::Tree),
                    bus::lock_path(directory, bus::Topic::Proxy)});
      return 0;
  }
  return 1;
}

}  // namespace hpp::ctl
