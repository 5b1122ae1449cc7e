// Shell. The two clocks. Durations and timeouts use the monotonic one; the time of day is for
// output only, because it may jump.
#pragma once

#include <chrono>
#include <cstdint>

#include "common/time_point.h"

namespace hpp {

inline TimePoint now() {
  return std::chrono::steady_clock::now();
}

// The time of day in milliseconds since the Unix epoch.
inline std::int64_t wall_ms() {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace hpp
