#include "common/event/signals.h"

#include <event2/event.h>

namespace hpp {

Signals::Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  for (const int number : numbers) {
    events_.emplace_back(
        event_new(loop.base(), number, EV_SIGNAL | EV_PERSIST, &Signals::on_event, this));
    event_add(events_.back().get(), nullptr);
  }
}

void Signals::on_event(int number, short, void* self) noexcept {
  static_cast<Signals*>(self)->on_signal_(number);
}

}  // namespace hpp
