// Pure. The list of effects that a core returns, in the order in which the shell performs them.
//
// The list is stored in place, without an allocation, because a core returns one for every event.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <utility>

namespace hpp::proxyd {

template <class Effect, std::size_t kMax>
class EffectList {
 public:
  EffectList() = default;

  EffectList(std::initializer_list<Effect> effects) {
    for (const Effect& effect : effects) push_back(effect);
  }

  void push_back(Effect effect) {
    assert(size_ < kMax);
    effects_[size_++] = std::move(effect);
  }

  const Effect* begin() const { return effects_.data(); }

  const Effect* end() const { return effects_.data() + size_; }

  bool operator==(const EffectList&) const = default;

 private:
  std::array<Effect, kMax> effects_;
  std::size_t size_ = 0;
};

}  // namespace hpp::proxyd
