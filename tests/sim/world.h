// Virtual time, planned events, random numbers and the trace, which all parts of a schedule share.
// There is one thread, and only run_until() advances the time.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/time_point.h"
#include "tests/sim/random.h"

namespace hpp::sim {

using namespace std::chrono_literals;
using Micros = std::chrono::microseconds;

// A rule that the simulated shell breaks on purpose, to show that the simulation notices.
enum class Break {
  Nothing,
  Barrier,     // requests do not wait for watchd's answer
  Generation,  // a request goes to the running backend even if that serves an old tree
  Replay,      // a POST counts as safe to repeat
  Loss,        // requests do not wait while a watch is lost
  Standby,     // the standby answers a Sync without reporting the saves
  Release,     // idle connections to a backend stay open after its end
  Idle,        // watchd reads the queue, although it has said that it is idle
  Repetition,  // supervisord forgets in a crash which requests of browsers it has followed
};

// The kind of a schedule. Drawn before everything else.
struct Traits {
  double drop = 0;                   // share of bus messages that are lost
  bool has_outages = false;          // Watchman breaks connections, restarts, hangs
  bool has_long_outages = false;     // outages of seconds, so that the standby takes over
  bool has_crashes = false;          // watchd, supervisord or proxyd crash
  bool has_backend_faults = true;    // the backend crashes, cannot be spawned, drops connections
  bool has_abandoned_lock = false;   // a crashed git leaves its lock behind for 13 s
  bool barrier_is_on = true;         // --barrier
  std::size_t queue_limit = 10'000;  // --queue-limit
  bool has_slow_crawl = false;       // Watchman reads the directory for seconds before it can watch
  bool lock_is_hidden = false;  // git's lock is that of a worktree, which Watchman does not see
  double late_flushes = 0.02;   // share of flushes that take 20 to 300 ms
  double flush_errors = 0;      // share of flushes that Watchman refuses
  double early_clocks = 0.1;    // share of Watchman's reports with a clock older than the changes
  bool has_spares = false;      // --warm
  bool is_announced = false;    // --ready notify
  std::uint32_t retries = 0;    // --retry
  bool has_pauses = false;      // the user pauses hpp and resumes it
  bool is_inotify = false;      // --watcher inotify
  bool has_agent = false;       // an agent saves one file soon after each start, most of which fail
  double overflows = 0;         // share of saves that make inotify's queue overflow
  Micros boot_max = 300ms;      // the backend listens within this time

  // Whether watchd's answers may take longer than proxyd's timeout.
  bool may_lapse() const {
    return has_outages || has_crashes || has_abandoned_lock || has_slow_crawl;
  }

  // Whether there are no faults except those of the backend.
  bool is_calm() const { return !may_lapse() && drop == 0; }
};

// Thrown when an invariant does not hold.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class World {
 public:
  using Sink = std::function<void(const std::string& line)>;

  // `sink` receives each line of the trace. If it is empty, there is no trace, which is much
  // faster.
  World(std::uint64_t seed, Break on_purpose, Sink sink)
      : random(seed), broken(on_purpose), sink_(std::move(sink)) {
    queue_.reserve(256);
  }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  TimePoint now() const { return now_; }

  void after(Micros delay, std::function<void()> happens) { at(now_ + delay, std::move(happens)); }

  void at(TimePoint when, std::function<void()> happens);

  // Runs all events that are due until `end`, in order of time; events of the same time run in the
  // order in which they were planned.
  void run_until(TimePoint end);

  std::uint64_t events() const { return events_; }

  bool traces() const { return static_cast<bool>(sink_); }

  template <class... Args>
  void trace(fmt::format_string<Args...> format, Args&&... args) {
    if (sink_) write(fmt::format(format, std::forward<Args>(args)...));
  }

  // Throws Violation.
  template <class... Args>
  [[noreturn]] void violated(fmt::format_string<Args...> format, Args&&... args) {
    violate(fmt::format(format, std::forward<Args>(args)...));
  }

  Random random;
  const Break broken;
  Traits traits;
  bool is_quiet = false;             // no save and no fault follows
  std::uint64_t answers = 0;         // number of answers of backends
  std::uint64_t fresh_answers = 0;   // number of those answers that had to be fresh
  std::uint64_t returns = 0;         // number of returns from the standby to Watchman
  std::uint64_t without_ticket = 0;  // number of requests that needed no ticket

 private:
  struct Planned {
    TimePoint when;
    std::uint64_t number;
    std::function<void()> happens;

    bool operator<(const Planned& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };

  void write(const std::string& text);
  [[noreturn]] void violate(const std::string& text);

  // Does not begin at zero, because the cores use the zero of the clock as a default.
  TimePoint now_{1h};
  std::vector<Planned> queue_;  // a heap
  std::uint64_t planned_ = 0;
  std::uint64_t events_ = 0;
  Sink sink_;
};

// How long a message between processes on one machine takes: mostly up to 200 us.
inline Micros a_moment(World& world) {
  return world.random.up_to(world.random.chance(0.9) ? 200us : 1000us);
}

}  // namespace hpp::sim
