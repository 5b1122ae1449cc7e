// `kill -9` for a helper, between any two of its effects.
#pragma once

#include "tests/sim/world.h"

namespace hpp::sim {

class Mortal {
 public:
  virtual ~Mortal() = default;

  // Starts the program, as hpp-launch does: with nothing but what is on disk.
  virtual void start() = 0;

  // The kernel closes its connections.
  virtual void die() = 0;

  virtual bool is_alive() const = 0;

  // It dies before it performs that many more effects.
  void doom(std::uint64_t effects) { effects_left_ = effects + 1; }

 protected:
  // To be asked before each effect: whether that is the end. Then nothing more is done, and die()
  // is called.
  bool meets_its_end() { return effects_left_ > 0 && --effects_left_ == 0; }

  std::uint64_t effects_left_ = 0;  // 0: it lives on
};

}  // namespace hpp::sim
