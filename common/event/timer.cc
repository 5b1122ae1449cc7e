#include "common/event/timer.h"

#include <event2/event.h>

#include <cstdint>

namespace hpp {

Timer::Timer(Loop& loop, std::function<void()> on_expired)
    : on_expired_(std::move(on_expired)),
      event_(event_new(loop.base(), -1, 0, &Timer::on_event, this)) {}

void Timer::start(std::chrono::microseconds delay) {
  const auto us = std::max<std::int64_t>(0, delay.count());
  const timeval timeout{.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
  event_add(event_.get(), &timeout);
}

void Timer::stop() {
  event_del(event_.get());
}

bool Timer::is_active() const {
  return event_pending(event_.get(), EV_TIMEOUT, nullptr) != 0;
}

void Timer::on_event(int, short, void* self) noexcept {
  static_cast<Timer*>(self)->on_expired_();
}

}  // namespace hpp
