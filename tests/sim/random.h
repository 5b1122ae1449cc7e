// Random numbers from a seed. They are the same on every machine, which <random>'s distributions do
// not promise.
#pragma once

#include <chrono>
#include <cstdint>

namespace hpp::sim {

// xoshiro256** by Blackman and Vigna (https://prng.di.unimi.it), seeded by splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      std::uint64_t mixed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
      word = mixed ^ (mixed >> 31);
    }
  }

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // Returns a number from 0 to `count` - 1.
  std::uint64_t below(std::uint64_t count) { return next() % count; }

  // Returns true with this probability.
  bool chance(double share) { return static_cast<double>(next() >> 11) * 0x1p-53 < share; }

  // Returns a duration from `least` to `most`, both included.
  std::chrono::microseconds between(std::chrono::microseconds least,
                                    std::chrono::microseconds most) {
    const auto width = static_cast<std::uint64_t>((most - least).count()) + 1;
    return least + std::chrono::microseconds{below(width)};
  }

  std::chrono::microseconds up_to(std::chrono::microseconds most) {
    return between(std::chrono::microseconds{0}, most);
  }

 private:
  static std::uint64_t rotate(std::uint64_t word, int by) {
    return (word << by) | (word >> (64 - by));
  }

  std::uint64_t state_[4];
};

}  // namespace hpp::sim
