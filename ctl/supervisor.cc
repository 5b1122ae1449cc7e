#include "ctl/supervisor.h"

#include <optional>
#include <stdexcept>
#include <utility>

#include "common/bus/endpoints.h"
#include "common/bus/subscriber.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "ctl/core/failure.h"
#include "ctl/lock_holder.h"

namespace hpp::ctl {
namespace {

LockHolder find_supervisord(const Instance& instance) {
  auto found = LockHolder::find(bus::lock_path(instance.run_directory, bus::Topic::Backend));
  if (!found) {
    throw Failure(CommandStatus::TryAgain,
                  "hpp-supervisord does not run at the moment. Try again in a second");
  }
  return std::move(*found);
}

}  // namespace

bus::BackendState ask_supervisord(const Instance& instance, int signal, const IsDone& is_done) {
  const LockHolder supervisord = find_supervisord(instance);
  Loop loop;
  std::optional<bus::BackendState> before;
  std::optional<bus::BackendState> outcome;
  FdWatch ended(loop, supervisord.pidfd(), FdWatch::For::Reading, [&loop] { loop.stop(); });
  ended.start();
  const bus::Subscriber subscriber(loop, instance.run_directory, {bus::Topic::Backend},
                                   bus::Audience::Everybody, [&](const bus::Message& message) {
                                     const auto& now = std::get<bus::BackendState>(message);
                                     const bool is_first = !before;
                                     if (is_first) before = now;
                                     if (is_done(*before, now)) {
                                       outcome = now;
                                       loop.stop();
                                     } else if (is_first) {
                                       supervisord.signal(signal);
                                     }
                                   });
  loop.run();
  if (!outcome) throw std::runtime_error("hpp-supervisord has ended");
  return *std::move(outcome);
}

}  // namespace hpp::ctl
