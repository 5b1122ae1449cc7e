// One schedule: a world from a seed, what happens in it, and what must hold.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/world.h"

namespace hpp::sim {

struct Outcome {
  std::string violation;  // empty: all holds
  std::uint64_t events = 0;
  std::uint64_t answers = 0;        // of backends
  std::uint64_t fresh_answers = 0;  // of those, that had to be fresh
};

// Plays it from its beginning to its end; the same seed, the same play.
Outcome play(std::uint64_t seed, Break broken, World::Sink sink = {});

}  // namespace hpp::sim
