// Simulates `kill -9` of a helper between any two of its effects.
#pragma once

#include <cstdint>

#include "tests/sim/world.h"

namespace hpp::sim {

class Mortal {
 public:
  virtual ~Mortal() = default;

  // Starts the program, as hpp-launch does. Its only state is what is on disk.
  virtual void start() = 0;

  // Ends the program at once. Its connections are closed, as the kernel would do.
  virtual void die() = 0;

  virtual bool is_alive() const = 0;

  // Makes the program die after this many more effects.
  void doom(std::uint64_t effects) { effects_left_ = effects + 1; }

 protected:
  // To be called before each effect. If it returns true, the caller must not perform the effect,
  // and must call die().
  bool meets_its_end() { return effects_left_ > 0 && --effects_left_ == 0; }

  std::uint64_t effects_left_ = 0;  // 0: the program is not to die
};

}  // namespace hpp::sim
