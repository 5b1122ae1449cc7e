// One schedule: a world from a seed, the events in it, and the invariants.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/world.h"

namespace hpp::sim {

struct Outcome {
  std::string violation;             // the invariant that does not hold; empty: all hold
  std::uint64_t events = 0;          // number of events
  std::uint64_t answers = 0;         // number of answers of backends
  std::uint64_t fresh_answers = 0;   // number of those answers that had to be fresh
  std::uint64_t returns = 0;         // number of returns from the standby to Watchman
  std::uint64_t without_ticket = 0;  // number of requests that needed no ticket
};

// Plays a schedule from its beginning to its end. The same seed always gives the same schedule.
Outcome play(std::uint64_t seed, Break broken, World::Sink sink = {});

}  // namespace hpp::sim
