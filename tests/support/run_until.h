// Runs a loop until a condition is true.
#pragma once

#include <chrono>
#include <functional>

#include "common/event/loop.h"
#include "common/event/timer.h"

namespace hpp {

// How long a test waits for an event that must happen. Generous, for loaded machines and
// sanitizers.
constexpr std::chrono::seconds kTestDeadline{20};

// Runs the loop until `condition` is true, which is checked every millisecond. Returns false if the
// deadline comes first.
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

// Runs the loop for some time, to check that something does not happen.
inline void run_for(Loop& loop, std::chrono::milliseconds duration) {
  run_until(
      loop, [] { return false; }, duration);
}

}  // namespace hpp
