// Shell. The time of day, for people: it may jump. What is measured and waited for goes by
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
