// Shell. The time of day, for output only, because it may jump. Durations and timeouts use
// std::chrono::steady_clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace hpp {

// Milliseconds since the Unix epoch.
inline std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace hpp
