// Drives a core in a test, as its shell does: passes events to it at a virtual time, and performs
// its effects.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/time_point.h"
#include "tests/support/effect_text.h"

namespace hpp::test {

template <class Core, class Event, class Effect>
class Driver {
 public:
  using Effects = std::vector<Effect>;

  Driver() = default;

  // `step` is the time between two events.
  explicit Driver(Core core, std::chrono::milliseconds step = {})
      : core_(std::move(core)), step_(step) {}

  virtual ~Driver() = default;

  // Drives this core from now on.
  void drive(Core core) { core_.emplace(std::move(core)); }

  void wait(std::chrono::milliseconds time) { elapsed_ += time; }

  // Passes an event to the core, `later` after the event before it. Then passes the events that
  // answer its effects at once. Returns the texts of all effects.
  std::vector<std::string> operator()(const Event& event,
                                      std::optional<std::chrono::milliseconds> later = {}) {
    wait(later.value_or(step_));
    effects_ = react(event);
    for (std::size_t i = 0; i < effects_.size(); ++i) {
      const std::optional<Event> answer = perform(effects_[i]);
      if (!answer) continue;
      for (Effect& more : react(*answer)) effects_.push_back(std::move(more));
    }
    return texts_of(effects_);
  }

  // Passes several events.
  template <class... E>
  void after(const E&... events) {
    ((*this)(Event(events)), ...);
  }

  auto state() const { return core_->state(); }

  // The effects of the last event.
  const Effects& effects() const { return effects_; }

  // Those effects of the last event that are of type E.
  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    for (const Effect& effect : effects_) {
      if (const auto* one = std::get_if<E>(&effect)) found.push_back(*one);
    }
    return found;
  }

  // The effects of the last event except those of the types E.
  template <class... E>
  Effects all_but() const {
    Effects found;
    for (const Effect& effect : effects_) {
      if (!(std::holds_alternative<E>(effect) || ...)) found.push_back(effect);
    }
    return found;
  }

  // The time of the last event, on both clocks.
  TimePoint now() const { return TimePoint(std::chrono::hours(1)) + elapsed_; }

  std::int64_t wall_ms() const { return kWallBeginMs + elapsed_.count(); }

 protected:
  // Performs an effect. Returns the event that answers it at once, if there is one.
  virtual std::optional<Event> perform(Effect&) { return std::nullopt; }

 private:
  static constexpr std::int64_t kWallBeginMs = 4'990;

  Effects react(const Event& event) {
    if constexpr (requires { core_->on(event); }) {
      return core_->on(event);
    } else if constexpr (requires { core_->on(event, now()); }) {
      return core_->on(event, now());
    } else {
      return core_->on(event, {now(), wall_ms()});
    }
  }

  std::optional<Core> core_;
  std::chrono::milliseconds step_{};
  std::chrono::milliseconds elapsed_{};
  Effects effects_;
};

}  // namespace hpp::test
