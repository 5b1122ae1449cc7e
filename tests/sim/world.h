// Virtual time, what is to happen when, chance, and the trace: all that the parts of a schedule
// share. One thread, and nothing else moves the time.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/random.h"

namespace hpp::sim {

using namespace std::chrono_literals;
using Micros = std::chrono::microseconds;
using TimePoint = std::chrono::steady_clock::time_point;

// A rule that the simulated shell breaks on purpose, to show that the simulation notices.
enum class Break {
  Nothing,
  Barrier,     // requests wait for no answer of watchd's
  Generation,  // a request goes to whatever backend runs, however old the tree that it serves
  Replay,      // a POST counts as safe to repeat
  Loss,        // requests do not wait while a watch is lost
  LetGo,       // idle connections to a backend outlive it
};

// What kind of schedule this is; drawn first of all.
struct Traits {
  double drop = 0;                  // share of bus messages that are lost
  bool has_outages = false;         // Watchman breaks, restarts, hangs
  bool has_crashes = false;         // of watchd, supervisord, proxyd
  bool has_backend_faults = true;   // the backend crashes, cannot be spawned, drops connections
  bool has_abandoned_lock = false;  // a git that crashed leaves its lock behind for long
  bool barrier_is_on = true;
  std::size_t queue_limit = 10'000;
  bool has_slow_crawl = false;  // Watchman reads the directory for seconds before it can watch
  bool lock_is_hidden = false;  // a worktree's: Watchman does not see it
  double late_flushes = 0.02;   // share of flushes that take Watchman long
  double flush_errors = 0;      // share of flushes that Watchman refuses
  double early_clocks = 0.1;    // share of Watchman's news that it has with a clock of before it
  Micros boot_max = 300ms;

  // Whether answers of watchd's may take longer than proxyd's patience.
  bool may_lapse() const {
    return has_outages || has_crashes || has_abandoned_lock || has_slow_crawl;
  }

  // Whether nothing but the backend itself does anything wrong.
  bool is_calm() const { return !may_lapse() && drop == 0; }
};

// An invariant does not hold.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class World {
 public:
  using Sink = std::function<void(const std::string& line)>;

  // `sink`: gets each line of the trace; empty: nothing is traced, which is much faster.
  World(std::uint64_t seed, Break on_purpose, Sink sink)
      : random(seed), broken(on_purpose), sink_(std::move(sink)) {
    queue_.reserve(256);
  }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  TimePoint now() const { return now_; }

  void after(Micros delay, std::function<void()> happens) { at(now_ + delay, std::move(happens)); }

  void at(TimePoint when, std::function<void()> happens);

  // Lets all happen that is due until then, in order; of the same time, in the order in which it
  // was planned.
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
  bool is_quiet = false;            // nothing is saved and nothing goes wrong any more
  std::uint64_t answers = 0;        // of backends
  std::uint64_t fresh_answers = 0;  // of those, that had to be fresh

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

  // Not the clock's zero, with which the cores begin their own counts.
  TimePoint now_{1h};
  std::vector<Planned> queue_;  // a heap
  std::uint64_t planned_ = 0;
  std::uint64_t events_ = 0;
  Sink sink_;
};

// How long something on the same machine takes: mostly little.
inline Micros a_moment(World& world) {
  return world.random.up_to(world.random.chance(0.9) ? 200us : 1000us);
}

}  // namespace hpp::sim
