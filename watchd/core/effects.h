// Pure. The effects, and the event, that all cores of watchd share.
#pragma once

#include <chrono>
#include <string>

namespace hpp::watchd {

struct StartTimer {  // start the core's only timer, or move it if it runs
  std::chrono::milliseconds delay;

  bool operator==(const StartTimer&) const = default;
};

struct StopTimer {
  bool operator==(const StopTimer&) const = default;
};

struct TimerExpired {};

struct Say {  // write a line into the log
  enum class Level { Warning, Info, Detail, Debug };

  Level level;
  std::string text;

  bool operator==(const Say&) const = default;
};

}  // namespace hpp::watchd
