// Pure. Points in time on the monotonic clock, and the text for a duration.
#pragma once

#include <chrono>
#include <string>

namespace hpp {

using TimePoint = std::chrono::steady_clock::time_point;

// Returns a duration as a person reads it, rounded down to one unit, of which there are at least
// two: `350 ms`, `12 s`, `5 min`, `3 h`, `2 days`. A negative duration (the wall clock was set
// back) is `0 ms`.
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace hpp
