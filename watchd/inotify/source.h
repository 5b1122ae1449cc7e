// Shell. Owns the inotify descriptor, and reads directories, around core::Follower.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/event/deferred_call.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "common/os/unique_fd.h"
#include "common/service_manager.h"
#include "watchd/core/source.h"
#include "watchd/inotify/core/follower.h"
#include "watchd/inotify/kept_queue.h"

namespace hpp::watchd::inotify {

class Source final {
 public:
  using OnReport = std::function<void(Report)>;

  // What happens to the queue next.
  enum class QueueUse { Reading, OpeningOrClosing };
  using OnQueueUse = std::function<void(QueueUse)>;

  struct Queue {
    int fd = -1;
    std::string directory;  // path of the watched directory
    std::string id;         // its id (directory_id.h)
  };

  // Reports the changes below `directory`, with names that are relative to it. `store_name` is the
  // name of the queue in the service manager's store (KeptQueue). `on_queue_use` is called before
  // each use of the queue. `loop` and `manager` must outlive the source.
  Source(Loop& loop, ServiceManager& manager, std::string_view store_name, std::string directory,
         Follower::Settings settings, OnReport on_report, OnQueueUse on_queue_use);

  // Takes an order or an event.
  void take(Event event) { events_.post(std::move(event)); }

  // Returns the queue, if every change that was read from it is reported.
  std::optional<Queue> idle_queue() const;

 private:
  void dispatch(const Event& event);

  void perform(const OpenQueue& effect);
  void perform(const CloseQueue&);
  void perform(const OpenDirectory& effect);
  void perform(const RemoveWatch& effect);
  void perform(const ReadQueue&);
  void perform(const KeepPosition& effect);
  void perform(const Examine& effect);
  void perform(const FindLinks& effect);
  void perform(const AwaitTurn&);
  void perform(const StartTimer& effect);
  void perform(const StopTimer&);
  void perform(const Say& effect);

  template <class R>
  void perform(const R& report) {
    on_report_(report);
  }

  Loop& loop_;
  std::string directory_;
  Follower follower_;
  OnReport on_report_;
  OnQueueUse on_queue_use_;
  KeptQueue queue_;
  UniqueFd root_;  // the directory
  std::unique_ptr<FdWatch> readable_;
  DeferredCall turn_;
  Timer timer_;
  EventRunner<Event> events_{[this](const Event& event) { dispatch(event); }};
};

}  // namespace hpp::watchd::inotify
