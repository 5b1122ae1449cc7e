#include "ctl/commands.h"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>

#include "common/bus/endpoints.h"
#include "common/bus/subscriber.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/text.h"
#include "ctl/core/failure.h"
#include "ctl/core/report.h"
#include "ctl/lock_holder.h"
#include "ctl/print.h"

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

// Reads the number of earlier restarts from the first snapshot, sends SIGHUP, and waits until more
// restarts than that are done. A request sent after this returns is not answered by the old
// backend.
int restart(const Instance& instance, const CtlOptions& options) {
  const LockHolder supervisord = find_supervisord(instance);
  Loop loop;
  std::optional<std::uint64_t> asked_before;
  std::optional<bus::BackendState> outcome;
  FdWatch ended(loop, supervisord.pidfd(), FdWatch::For::Reading, [&loop] { loop.stop(); });
  ended.start();
  const bus::Subscriber subscriber(loop, instance.run_directory, {bus::Topic::Backend},
                                   bus::Audience::Everybody, [&](const bus::Message& message) {
                                     const auto& backend = std::get<bus::BackendState>(message);
                                     if (!asked_before) {
                                       asked_before = backend.restarts_asked;
                                       supervisord.signal(SIGHUP);
                                     } else if (backend.restarts_done > *asked_before) {
                                       outcome = backend;
                                       loop.stop();
                                     }
                                   });
  loop.run();
  if (!outcome) throw std::runtime_error("hpp-supervisord has ended");
  if (options.wait && options.json) return wait(instance, options);
  const bool has_failed = outcome->state == bus::BackendPhase::Error || !outcome->problem.empty();
  print_text(stdout, words(*outcome) + '\n');
  if (!outcome->problem.empty()) print_text(stdout, printable(outcome->problem) + '\n');
  if (has_failed) return 1;
  return options.wait ? wait(instance, options) : 0;
}

}  // namespace hpp::ctl
