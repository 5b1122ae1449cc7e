#include <csignal>
#include <cstdio>
#include <optional>
#include <stdexcept>

#include "common/bus/endpoints.h"
#include "common/bus/subscriber.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "ctl/commands.h"
#include "ctl/core/report.h"
#include "ctl/lock_holder.h"
#include "ctl/print.h"

namespace hpp::ctl {
namespace {

LockHolder find_supervisord(const Instance& instance) {
  auto found = LockHolder::find(bus::lock_path(instance.run_directory, bus::Topic::Backend));
  if (!found) throw std::runtime_error("hpp-supervisord does not run at the moment");
  return std::move(*found);
}

}  // namespace

// The signal goes out when the first snapshot has told which generation is the old one: then the
// first one that tells of another is the new one's, and whoever asks hpp for anything afterwards
// does not get the old one's answer.
int restart(const Instance& instance) {
  const LockHolder supervisord = find_supervisord(instance);
  Loop loop;
  std::optional<std::uint64_t> old_generation;
  std::optional<bus::BackendState> fresh;
  FdWatch ended(loop, supervisord.pidfd(), FdWatch::For::Reading, [&loop] { loop.stop(); });
  ended.start();
  const bus::Subscriber subscriber(loop, instance.run_directory, {bus::Topic::Backend},
                                   bus::Audience::Everybody, [&](const bus::Message& message) {
                                     const auto& backend = std::get<bus::BackendState>(message);
                                     if (!old_generation) {
                                       old_generation = backend.generation;
                                       supervisord.signal(SIGHUP);
                                     } else if (backend.generation > *old_generation) {
                                       fresh = backend;
                                       loop.stop();
                                     }
                                   });
  loop.run();
  if (!fresh) throw std::runtime_error("hpp-supervisord has ended");
  print_text(stdout, backend_words(*fresh) + '\n');
  return fresh->state == bus::BackendPhase::Error ? 1 : 0;
}

}  // namespace hpp::ctl
