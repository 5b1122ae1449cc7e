// The kernel's side of the source `inotify` in watchd: answers the effects of the real Follower as
// watchd/inotify/source.cc does. The project is one directory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/files.h"
#include "tests/sim/idle_reports.h"
#include "tests/sim/world.h"
#include "watchd/inotify/core/follower.h"

namespace hpp::sim {

class Inotify {
 public:
  Inotify(World& world, Files& files, IdleReports& idle_reports);

  // The pattern of the files that matter to the backend.
  static constexpr const char* kPattern = "*.py";

  watchd::inotify::Event perform(const watchd::inotify::OpenQueue& effect);
  void perform(const watchd::inotify::CloseQueue&);
  watchd::inotify::Event perform(const watchd::inotify::OpenDirectory&);
  watchd::inotify::Event perform(const watchd::inotify::ReadQueue&);
  void perform(const watchd::inotify::KeepPosition& effect);
  static watchd::inotify::Event perform(const watchd::inotify::Examine& effect);

  // Notes which saves a report contains.
  void note_report(const std::string& clock);

  // The newest save in a report with that clock.
  std::uint64_t tick_of(const std::string& clock) const;

  const std::shared_ptr<KernelQueue>& queue() const { return queue_; }

  bool is_readable() const { return queue_ && !queue_->events.empty(); }

  // watchd dies. The service manager keeps the queue.
  void die() { queue_.reset(); }

  // Called when there is an event in the queue.
  std::function<void()> on_event;

 private:
  void on_change();

  World& world_;
  Files& files_;
  IdleReports& idle_reports_;
  std::shared_ptr<KernelQueue> queue_;              // watchd's
  std::shared_ptr<KernelQueue> kept_;               // the service manager's
  std::vector<std::weak_ptr<KernelQueue>> queues_;  // all that exist
  std::uint64_t seen_ = 0;                          // newest save that has caused an event
  std::uint64_t read_ = 0;                          // newest save when the queue was read
  std::map<std::string, std::uint64_t> ticks_;      // by clock: the newest save in the report
};

}  // namespace hpp::sim
