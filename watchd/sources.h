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
#include "watchd/core/choice.h"
#include "watchd/core/composition.h"
#include "watchd/core/roots.h"
#include "watchd/core/watchman_config.h"
#include "watchd/folder_watch.h"

namespace hpp::watchd {

class Sources {
 public:
  using OnReport = std::function<void(const WholeReport&)>;

  struct Settings {
    std::string directory;    // path of the project folder, absolute
    std::vector<Root> roots;  // the first one is the project folder
    std::string watcher;      // --watcher (choice.h)
    std::chrono::milliseconds poll_interval{500};
  };

  // `loop` must outlive the sources.
  Sources(Loop& loop, const Settings& settings, OnReport on_report);

  // Takes an order of Tree. Only the first Watch can throw: std::runtime_error if Watchman is not
  // installed or cannot be run.
  void take(const Order& order) {
    std::visit([this](const auto& o) { post(o); }, order);
  }

 private:
  struct Part {
    std::function<void(const Order&)> take;  // owns the part's source; empty: retired
    std::unique_ptr<FolderWatch> directory;  // null: the project folder, for which Tree looks
    OutsideLink link;                        // the link that leads to the part; no name: none
  };

  // Adds a part with this source for `directory`.
  void add(const std::string& directory, const ChosenSource& chosen, const WatchmanConfig& config,
           const OutsideLink& link);

  void post(CompositionEvent event) { events_.post(std::move(event)); }

  void dispatch(const CompositionEvent& event);

  void perform(const ToPart& effect);
  void perform(const LookAtPart& effect);
  void perform(const FollowLinks& effect);
  void perform(const AddPart& effect);
  void perform(const RetirePart& effect);
  void perform(const StartTimer& effect);
  void perform(const StopTimer&);
  void perform(const Say& effect);

  template <class R>
  void perform(const R& report) {
    on_report_(report);
  }

  Loop& loop_;
  Settings settings_;
  Filter filter_;
  OnReport on_report_;
  std::vector<Part> parts_;
  std::optional<Composition> composition_;
  Timer timer_;
  EventRunner<CompositionEvent> events_{[this](const CompositionEvent& event) { dispatch(event); }};
};

}  // namespace hpp::watchd
