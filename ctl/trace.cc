#include "ctl/commands.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "common/bus/endpoints.h"
#include "common/bus/subscriber.h"
#include "common/event/loop.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "ctl/core/report.h"
#include "ctl/instances.h"
#include "ctl/print.h"

namespace hpp::ctl {
namespace {

// How often trace checks whether the instance still runs. It polls, because an instance under
// systemd has no single process that lives as long as the instance.
constexpr Milliseconds kPollInterval{500};

// `14:03:07.042`, local time.
std::string clock_time(std::int64_t at_ms) {
  const auto seconds = static_cast<std::time_t>(at_ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", parts.tm_hour, parts.tm_min, parts.tm_sec,
                     at_ms % 1000);
}

}  // namespace

int trace(const Instance& instance, const CtlOptions& options) {
  if (!is_running(instance)) return 0;
  Loop loop;
  const Signals signals(loop, {SIGINT, SIGTERM}, [&loop](int) { loop.stop(); });
  Timer poll_timer(loop, [&] {
    if (!is_running(instance)) return loop.stop();
    poll_timer.start(kPollInterval);
  });
  poll_timer.start(kPollInterval);
  const auto audience = options.tickets ? bus::Audience::TicketHandlers : bus::Audience::Everybody;
  const bus::Subscriber subscriber(
      loop, instance.run_directory, {bus::Topic::Tree, bus::Topic::Backend, bus::Topic::Proxy},
      audience, [&](const bus::Message& message) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        const auto at_ms = std::chrono::duration_cast<Milliseconds>(now).count();
        const bool is_read =
            options.json ? print_json(trace_json(message, at_ms))
                         : print_text(stdout, clock_time(at_ms) + ' ' + trace_text(message) + '\n');
        if (!is_read) loop.stop();
      });
  loop.run();
  return 0;
}

}  // namespace hpp::ctl
