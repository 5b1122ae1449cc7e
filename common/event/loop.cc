#include "common/event/loop.h"

#include <event2/event.h>

#include <stdexcept>
#include <utility>

namespace hpp {

void EventDeleter::operator()(event* e) const {
  event_free(e);
}

Loop::Loop() : base_(event_base_new()) {
  if (base_ == nullptr) throw std::runtime_error("cannot make an event loop");
  later_event_.reset(event_new(base_, -1, 0, &Loop::on_later, this));
}

Loop::~Loop() {
  // What was buried in the last turn may still use the base: it goes first.
  while (!later_.empty()) std::exchange(later_, {});
  later_event_.reset();
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

}  // namespace hpp
