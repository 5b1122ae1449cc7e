// Pure. The list of effects that a core returns, in the order in which the shell performs them.
//
// The list is stored in place, without an allocation, because a core returns one for every event.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <utility>

namespace hpp::proxyd {

template <class Effect, std::size_t kMax>
class EffectList {
 public:
  EffectList() = default;

  template <class... Effects>

  requires(std::convertible_to<Effects, Effect>&&...) EffectList(Effects&&... effects) {
    (push_back(std::forward<Effects>(effects)), ...);
  }

  template <std::convertible_to<Effect> E>
  void push_back(E&& effect) {
    assert(size_ < kMax);
    effects_[size_++] = std::forward<E>(effect);
  }

  const Effect* begin() const { return effects_.data(); }

  const Effect* end() const { return effects_.data() + size_; }

  bool operator==(const EffectList&) const = default;

 private:
  std::array<Effect, kMax> effects_;
  std::size_t size_ = 0;
};

}  // namespace hpp::proxyd
