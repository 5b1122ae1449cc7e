// Shell. Owns the scans of a directory, around poll::Poller.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/event_runner.h"
#include "watchd/core/filter.h"
#include "watchd/core/source.h"
#include "watchd/poll/core/poller.h"
#include "watchd/poll/walk.h"

namespace hpp::watchd::poll {

class Source {
 public:
  using OnReport = std::function<void(const Report&)>;

  struct Settings {
    std::string directory;  // absolute path of the directory to scan
    std::string prefix;     // begins the names to which `filter` and `ignored` apply
    Filter filter;
    std::vector<std::string> ignored;  // folders (Scope)
    std::chrono::milliseconds settle{20};
    std::chrono::milliseconds interval{500};
  };

  // `loop` must outlive the source.
  Source(Loop& loop, const Settings& settings, OnReport on_report);

  void take(Event event) { events_.post(std::move(event)); }

 private:
  enum class Work { None, Walking, Reading };

  void dispatch(const Event& event);
  void work();
  void walk();
  void read();

  void perform(const StartScan&);
  void perform(const ReadContents& effect);
  void perform(const Abandon&);
  void perform(const StartTimer& effect);
  void perform(const StopTimer&);

  template <class R>
  void perform(const R& report) {
    on_report_(report);
  }

  std::string directory_;
  Poller poller_;
  Walk walk_;
  OnReport on_report_;
  Timer timer_;
  Timer turn_;  // the next slice of work
  Work work_ = Work::None;
  std::chrono::steady_clock::time_point began_{};  // when the scan began
  std::int64_t began_ns_ = 0;                      // when it began, by the wall clock
  std::vector<std::string> names_;                 // of ReadContents
  ContentsRead contents_;                          // read so far
  EventRunner<Event> events_{[this](const Event& event) { dispatch(event); }};
};

}  // namespace hpp::watchd::poll
