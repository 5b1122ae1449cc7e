// Shell. Owns the connection to Watchman and the publisher of the tree, and hears the tickets that
// proxyd asks, around core::Session.
#pragma once

#include <memory>
#include <utility>

#include "common/bus/publisher.h"
#include "common/bus/subscriber.h"
#include "common/event/loop.h"
#include "common/event/stream.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "common/options.h"
#include "common/service_manager.h"
#include "watchd/core/session.h"
#include "watchd/folder_watch.h"
#include "watchd/socket_search.h"

namespace hpp::watchd {

class Daemon final : private StreamListener {
 public:
  // Watches the project folder and publishes what changes. `loop` must outlive the daemon.
  // Throws std::runtime_error: the directory cannot be read, Watchman is not installed, or another
  // watchd is at work in the run directory.
  Daemon(Loop& loop, const Options& options);

 private:
  void on_input() override;
  void on_input_ended() override;
  void on_output_progress() override;
  void on_broken(int error) override;

  void take(Event event) { events_.post(std::move(event)); }

  void dispatch(const Event& event);

  void perform(const FindSocket&);
  void perform(const Connect& effect);
  void perform(const Send& effect);
  void perform(const Disconnect&);
  void perform(const StartTimer& effect);
  void perform(const StopTimer&);
  void perform(const Look& effect);
  void perform(const AskGit& effect);
  void perform(const FollowLinks& effect);
  void perform(const Publish& effect);
  void perform(const Say& effect);

  Loop& loop_;
  ServiceManager manager_;
  bus::Publisher publisher_;
  std::string directory_;  // path of the project folder
  Session session_;
  std::unique_ptr<SocketSearch> search_;
  std::unique_ptr<Stream> stream_;
  Timer timer_;
  FolderWatch folder_;
  DirectoryView root_;  // Watchman's
  EventRunner<Event> events_{[this](const Event& event) { dispatch(event); }};
  bool searched_ = false;
  bus::Subscriber subscriber_;
};

// Runs until SIGTERM or SIGINT. Returns the exit status. Throws as Daemon does.
int run(const Options& options);

}  // namespace hpp::watchd
