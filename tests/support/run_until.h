// Runs a loop until something is true.
#pragma once

#include <chrono>
#include <functional>

#include "common/event/loop.h"
#include "common/event/timer.h"

namespace hpp {

// How long a test waits for what happens at all: generous, for loaded machines and sanitizers.
constexpr std::chrono::seconds kTestDeadline{20};

// Runs the loop until `condition`, asked every millisecond, is true. Returns whether it became so
// before the deadline.
inline bool run_until(Loop& loop, const std::function<bool()>& condition,
                      std::chrono::milliseconds deadline = kTestDeadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  bool reached = condition();
  std::function<void()> ask;
  Timer timer(loop, [&] { ask(); });
  ask = [&] {
    reached = condition();
    if (reached || std::chrono::steady_clock::now() > end) {
      loop.stop();
    } else {
      timer.start(std::chrono::milliseconds{1});
    }
  };
  if (reached) return true;
  timer.start(std::chrono::milliseconds{1});
  loop.run();
  return reached;
}

// Runs the loop for a while, for something that must not happen.
inline void run_for(Loop& loop, std::chrono::milliseconds duration) {
  run_until(
      loop, [] { return false; }, duration);
}

}  // namespace hpp
