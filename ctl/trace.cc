#include "ctl/commands.h"

#include <cstdio>

#include "common/bus/endpoints.h"
#include "common/bus/subscriber.h"
#include "common/clock.h"
#include "common/event/loop.h"
#include "ctl/clock_time.h"
#include "ctl/core/report.h"
#include "ctl/end_watch.h"
#include "ctl/print.h"

namespace hpp::ctl {

int trace(const Instance& instance, const CtlOptions& options) {
  Loop loop;
  const EndWatch end(loop, instance);
  const auto audience = options.tickets ? bus::Audience::TicketHandlers : bus::Audience::Everybody;
  const bus::Subscriber subscriber(
      loop, instance.run_directory, {bus::Topic::Tree, bus::Topic::Backend, bus::Topic::Proxy},
      audience, [&](const bus::Message& message) {
        const std::int64_t at_ms = wall_ms();
        const bool is_read =
            options.json ? print_json(trace_json(message, at_ms))
                         : print_text(stdout, clock_time(at_ms) + ' ' + trace_text(message) + '\n');
        if (!is_read) loop.stop();
      });
  loop.run();
  return 0;
}

}  // namespace hpp::ctl
