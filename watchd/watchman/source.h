// Shell. Owns the connection to Watchman, around core::Conversation.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/event/loop.h"
#include "common/event/stream.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "watchd/core/source.h"
#include "watchd/folder_watch.h"
#include "watchd/watchman/core/conversation.h"
#include "watchd/watchman/socket_search.h"

namespace hpp::watchd::watchman {

class Source final : private StreamListener {
 public:
  using OnReport = std::function<void(Report)>;

  // `loop` must outlive the source.
  Source(Loop& loop, Conversation::Settings settings, OnReport on_report);

  // Takes an order or an event. Only the first Watch can throw: std::runtime_error if Watchman is
  // not installed or cannot be run.
  void take(Event event) { events_.post(std::move(event)); }

 private:
  void on_input() override;
  void on_input_ended() override;
  void on_output_progress() override;
  void on_broken(int error) override;

  void dispatch(const Event& event);

  void perform(const FindSocket&);
  void perform(const Connect& effect);
  void perform(const Send& effect);
  void perform(const Disconnect&);
  void perform(const LookAtRoot& effect);
  void perform(const StartTimer& effect);
  void perform(const StopTimer&);
  void perform(const Say& effect);
  void perform(const Began& report);
  void perform(const Changed& report);

  template <class R>
  void perform(const R& report) {
    on_report_(report);
  }

  Loop& loop_;
  std::string directory_;
  bool wants_digests_;
  Conversation conversation_;
  OnReport on_report_;
  std::unique_ptr<SocketSearch> search_;
  std::unique_ptr<Stream> stream_;
  Timer timer_;
  DirectoryView root_;
  EventRunner<Event> events_{[this](const Event& event) { dispatch(event); }};
  bool searched_ = false;
};

}  // namespace hpp::watchd::watchman
