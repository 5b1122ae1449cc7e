// Pure. How a core collects the effects of one event: its handlers emit them in order.
#pragma once

#include <utility>
#include <variant>
#include <vector>

namespace hpp {

// A base class of a core. `Effect` is its variant of effects.
template <class Effect>
class Emits {
 protected:
  // Built in place: GCC 12 takes the move of a variant for a use of its unset members.
  template <class E>
  void emit(E effect) {
    effects_.emplace_back(std::in_place_type<E>, std::move(effect));
  }

  // The effects that were emitted since the last call.
  std::vector<Effect> take_effects() { return std::exchange(effects_, {}); }

 private:
  std::vector<Effect> effects_;
};

}  // namespace hpp
