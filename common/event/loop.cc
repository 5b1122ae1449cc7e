#include "common/event/loop.h"

#include <event2/event.h>

#include <stdexcept>
#include <utility>

namespace hpp {

void EventDeleter::operator()(event* e) const {
  event_free(e);
}

namespace {

event_base* make_base(Loop::Timers timers) {
  const std::unique_ptr<event_config, decltype(&event_config_free)> config(event_config_new(),
                                                                           &event_config_free);
  if (!config) return nullptr;
  if (timers == Loop::Timers::Precise) {
    event_config_set_flag(config.get(), EVENT_BASE_FLAG_PRECISE_TIMER);
  }
  return event_base_new_with_config(config.get());
}

}  // namespace

Loop::Loop(Timers timers) : base_(make_base(timers)) {
  if (base_ == nullptr) throw std::runtime_error("cannot make an event loop");
  later_event_.reset(event_new(base_, -1, 0, &Loop::on_later, this));
  next_turn_event_.reset(event_new(base_, -1, 0, &Loop::on_next_turn, this));
}

Loop::~Loop() {
  // What was buried in the last turn may still use the base: it goes first.
  while (!later_.empty()) std::exchange(later_, {});
  later_event_.reset();
  next_turn_event_.reset();
  event_base_free(base_);
}

void Loop::run() {
  event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY);
}

void Loop::stop() {
  event_base_loopbreak(base_);
}

void Loop::later(std::function<void()> action) {
  // libevent appends an event that is made active to the queue it is working on: this one runs
  // after all that were due before it.
  if (later_.empty()) event_active(later_event_.get(), 0, 0);
  later_.push_back(std::move(action));
}

void Loop::on_later(int, short, void* self) noexcept {
  const auto due = std::exchange(static_cast<Loop*>(self)->later_, {});
  for (const auto& action : due) action();
}

void Loop::activate_next_turn(event* e) {
  // A timer of no time: libevent looks at the descriptors before it looks at the timers.
  const timeval now{};
  if (next_turn_.empty()) event_add(next_turn_event_.get(), &now);
  next_turn_.push_back(e);
}

void Loop::withdraw(event* e) {
  std::erase(next_turn_, e);
}

void Loop::on_next_turn(int, short, void* self) noexcept {
  for (event* const e : std::exchange(static_cast<Loop*>(self)->next_turn_, {})) {
    event_active(e, EV_TIMEOUT, 0);
  }
}

}  // namespace hpp
