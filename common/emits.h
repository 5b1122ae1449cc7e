// Pure. Collects the effects that a core's handlers emit for one event, in order.
#pragma once

#include <utility>
#include <variant>
#include <vector>

namespace hpp {

// A base class for cores. `Effect` is the core's variant of effects.
template <class Effect>
class Emits {
 protected:
  // Constructs the variant in place: if it is moved, GCC 12 warns about uninitialized members.
  template <class E>
  void emit(E effect) {
    effects_.emplace_back(std::in_place_type<E>, std::move(effect));
  }

  // Returns the effects that were emitted since the last call.
  std::vector<Effect> take_effects() { return std::exchange(effects_, {}); }

 private:
  std::vector<Effect> effects_;
};

}  // namespace hpp
