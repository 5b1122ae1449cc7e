// Pure. One deadline of a core.
#pragma once

#include <optional>

#include "common/time_point.h"
#include "proxyd/core/barrier.h"

namespace hpp::proxyd {

// If a deadline is noticed late, it is put off once. The machine has stalled (barrier.h), and the
// bytes and bus messages that arrived during the stall have not been read yet.
class Deadline {
 public:
  void set(std::optional<TimePoint> at) { at_ = at; }

  void clear() { at_.reset(); }

  const std::optional<TimePoint>& at() const { return at_; }

  bool is_due(TimePoint now) const { return at_ && now >= *at_; }

  // Returns whether the deadline has been reached, and then clears it.
  bool reached(TimePoint now) {
    if (!is_due(now)) return false;
    if (now - *at_ >= kStalledAfter && *at_ != put_off_to_) {
      at_ = put_off_to_ = now + kNewsAfterStall;
      return false;
    }
    at_.reset();
    return true;
  }

 private:
  std::optional<TimePoint> at_;
  TimePoint put_off_to_{};  // the time to which a deadline was put off
};

}  // namespace hpp::proxyd
