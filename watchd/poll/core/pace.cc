#include "watchd/poll/core/pace.h"

#include <algorithm>

namespace hpp::watchd::poll {

void Pace::note(std::chrono::milliseconds took) {
  latest_[next_] = took;
  next_ = (next_ + 1) % kPaceScans;
  const bool was_slow = lag_ > std::chrono::milliseconds{0};
  const bool is_slow = took >= kSlowMin || (was_slow && took >= kQuickMax) ||
                       *std::min_element(latest_.begin(), latest_.end()) >= kQuickMax;
  if (!is_slow) {
    lag_ = {};
    return;
  }
  lag_ = std::max(
      lag_, std::chrono::milliseconds{std::chrono::ceil<std::chrono::seconds>(pause() + took)});
}

std::chrono::milliseconds Pace::pause() const {
  return std::max(interval_, latest_[(next_ + kPaceScans - 1) % kPaceScans]);
}

}  // namespace hpp::watchd::poll
