// Shell. Owns the sources of changes, the publisher of the tree and the subscriber that receives
// proxyd's tickets, around core::Tree.
#pragma once

#include <string>
#include <utility>

#include "common/bus/publisher.h"
#include "common/bus/subscriber.h"
#include "common/event/deferred_call.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "common/options.h"
#include "common/service_manager.h"
#include "watchd/core/tree.h"
#include "watchd/folder_watch.h"
#include "watchd/queue_server.h"
#include "watchd/sources.h"

namespace hpp::watchd {

class Daemon {
 public:
  // Watches the project folder and publishes its changes. `loop` must outlive the daemon.
  // Throws std::runtime_error if the directory cannot be read, if Watchman is not installed, or if
  // another watchd runs in the same run directory.
  Daemon(Loop& loop, const Options& options);

 private:
  void take(Event event) { events_.post(std::move(event)); }

  void prepare_queue_use(inotify::Source::QueueUse use);
  void offer_queues();

  void dispatch(const Event& event);

  void perform(const Watch& order);
  void perform(const Unwatch& order);
  void perform(const Sync& order);
  void perform(const StartTimer& effect);
  void perform(const StopTimer&);
  void perform(const Look& effect);
  void perform(const AskGit& effect);
  void perform(const Publish& effect);
  void perform(const Say& effect);

  ServiceManager manager_;
  bus::Publisher publisher_;
  std::string directory_;  // path of the project folder
  Filter filter_;
  Tree tree_;
  QueueServer queue_server_;
  DeferredCall idle_check_;  // offers the queues when all events of this turn are handled
  Sources sources_;
  Timer timer_;
  FolderWatch folder_;
  EventRunner<Event> events_{[this](const Event& event) { dispatch(event); }};
  bus::Subscriber subscriber_;
};

// Runs until SIGTERM or SIGINT. Returns the exit status. Throws as Daemon does.
int run(const Options& options);

}  // namespace hpp::watchd
