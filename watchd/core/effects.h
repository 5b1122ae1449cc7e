// Pure. The effects, and the event, that all cores of watchd have.
#pragma once

#include <chrono>
#include <string>

namespace hpp::watchd {

struct StartTimer {  // the core's only timer; moves it if it runs
  std::chrono::milliseconds delay;

  bool operator==(const StartTimer&) const = default;
};

struct StopTimer {
  bool operator==(const StopTimer&) const = default;
};

struct TimerExpired {};

struct Say {  // a line of the log
  enum class Level { Warning, Info, Debug };

  Level level;
  std::string text;

  bool operator==(const Say&) const = default;
};

}  // namespace hpp::watchd
