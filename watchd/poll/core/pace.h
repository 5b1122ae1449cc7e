// Pure. Decides from the time that scans take whether a request can wait for one.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace hpp::watchd::poll {

// A request can wait for a scan that takes less than this.
constexpr std::chrono::milliseconds kQuickMax{50};

// A scan that takes at least this long is slow. A scan that takes less, but more than kQuickMax,
// may have been slow because the machine was busy: only kPaceScans of these in a row count. After
// that, a scan is quick only if it takes less than kQuickMax.
constexpr std::chrono::milliseconds kSlowMin{1000};
constexpr std::size_t kPaceScans = 4;

class Pace {
 public:
  // `interval`: the shortest pause between the end of a scan and the beginning of the next one.
  explicit Pace(std::chrono::milliseconds interval) : interval_(interval) {}

  // Notes the time that the latest scan took.
  void note(std::chrono::milliseconds took);

  // The pause after the latest scan. It is at least as long as the scan, so that scanning takes at
  // most half of the time.
  std::chrono::milliseconds pause() const;

  // The age, in whole seconds, from which on a save is seen without waiting for a scan; 0: scans
  // are quick enough to wait for. It grows while scans are slow, and does not shrink before they
  // are quick again, so that it seldom changes.
  std::chrono::milliseconds lag() const { return lag_; }

 private:
  std::chrono::milliseconds interval_;
  std::array<std::chrono::milliseconds, kPaceScans> latest_{};  // 0: no scan yet
  std::size_t next_ = 0;                                        // index of the oldest one
  std::chrono::milliseconds lag_{0};
};

}  // namespace hpp::watchd::poll
