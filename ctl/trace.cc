#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>

#include "common/bus/endpoints.h"
#include "common/bus/subscriber.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/signals.h"
#include "common/os/run_directory.h"
#include "ctl/commands.h"
#include "ctl/core/report.h"
#include "ctl/lock_holder.h"

namespace hpp::ctl {
namespace {

// `14:03:07.042`, local time.
std::string clock_time(std::int64_t at_ms) {
  const auto seconds = static_cast<std::time_t>(at_ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", parts.tm_hour, parts.tm_min, parts.tm_sec,
                     at_ms % 1000);
}

// Whoever reads it sees each line when it comes. False: nobody reads any more.
bool print_line(const std::string& line) {
  return std::fputs((line + '\n').c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

}  // namespace

int trace(const Instance& instance, const CtlOptions& options) {
  const auto launcher = LockHolder::find(run_lock_path(instance.run_directory));
  if (!launcher) return 0;
  Loop loop;
  const Signals signals(loop, {SIGINT, SIGTERM}, [&loop](int) { loop.stop(); });
  FdWatch ended(loop, launcher->pidfd(), FdWatch::For::Reading, [&loop] { loop.stop(); });
  ended.start();
  const auto audience = options.tickets ? bus::Audience::TicketHandlers : bus::Audience::Everybody;
  const bus::Subscriber subscriber(
      loop, instance.run_directory, {bus::Topic::Tree, bus::Topic::Backend, bus::Topic::Proxy},
      audience, [&](const bus::Message& message) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        const auto at_ms = std::chrono::duration_cast<Milliseconds>(now).count();
        const std::string line = options.json ? trace_json(message, at_ms)
                                              : clock_time(at_ms) + ' ' + trace_text(message);
        if (!print_line(line)) loop.stop();
      });
  loop.run();
  return 0;
}

}  // namespace hpp::ctl
