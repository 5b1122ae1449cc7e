// Shell. Owns a source for each part of the watched files, around core::Composition.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "common/service_manager.h"
#include "watchd/core/choice.h"
#include "watchd/core/composition.h"
#include "watchd/core/roots.h"
#include "watchd/core/watchman_config.h"
#include "watchd/folder_watch.h"
#include "watchd/inotify/source.h"

namespace hpp::watchd {

class Sources {
 public:
  using OnReport = std::function<void(const WholeReport&)>;
  using Queue = inotify::Source::Queue;

  struct Settings {
    std::string directory;    // path of the project folder, absolute
    std::vector<Root> roots;  // the first one is the project folder
    std::string watcher;      // --watcher (choice.h)
    std::chrono::milliseconds poll_interval{500};
  };

  // `manager` keeps the queues of inotify for the next watchd. `on_queue_use` is called before each
  // use of such a queue. `loop` and `manager` must outlive the sources.
  Sources(Loop& loop, ServiceManager& manager, const Settings& settings, OnReport on_report,
          inotify::Source::OnQueueUse on_queue_use);

  // Takes an order of Tree. Only the first Watch can throw: std::runtime_error if Watchman is not
  // installed or cannot be run.
  void take(const Order& order) {
    std::visit([this](const auto& o) { post(o); }, order);
  }

  // Paths of the directories that are watched besides the project folder: those of --root and of
  // patterns, and those to which symbolic links lead.
  std::vector<std::string> other_roots() const;

  // Returns the queues of inotify, if every change comes from one of them, and everything that was
  // read from them is reported.
  std::optional<std::vector<Queue>> idle_queues() const;

 private:
  using Source = std::function<void(const Order&)>;  // owns the source
  using OnSourceReport = std::function<void(const Report&)>;

  struct Part {
    std::string path;  // path of its directory
    ChosenSource chosen;
    WatchmanConfig config;
    OutsideLink link;                          // the link that leads to the part; no name: none
    Source source{};                           // empty: retired
    std::weak_ptr<inotify::Source> queue{};    // the newest source of inotify
    std::unique_ptr<FolderWatch> directory{};  // null: the project folder, for which Tree looks
  };

  void add(Part part);
  Source make_source(std::size_t number);
  Source make_source(std::size_t number, ChosenSource::Kind kind, const OnSourceReport& on_report);

  void post(CompositionEvent event) { events_.post(std::move(event)); }

  void dispatch(const CompositionEvent& event);

  void perform(const ToPart& effect);
  void perform(const LookAtPart& effect);
  void perform(const FollowLinks& effect);
  void perform(const AddPart& effect);
  void perform(const TakeNextSource& effect);
  void perform(const RetirePart& effect);
  void perform(const StartTimer& effect);
  void perform(const StopTimer&);
  void perform(const Say& effect);
  void perform(const Watching& report);

  template <class R>
  void perform(const R& report) {
    on_report_(report);
  }

  Loop& loop_;
  ServiceManager& manager_;
  Settings settings_;
  bool is_watchman_installed_;
  Filter filter_;
  OnReport on_report_;
  inotify::Source::OnQueueUse on_queue_use_;
  std::vector<Part> parts_;
  std::optional<Composition> composition_;
  Timer timer_;
  EventRunner<CompositionEvent> events_{[this](const CompositionEvent& event) { dispatch(event); }};
};

}  // namespace hpp::watchd
