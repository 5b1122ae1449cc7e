#include "common/event/fd_watch.h"

#include <event2/event.h>

namespace hpp {

FdWatch::FdWatch(Loop& loop, int fd, For what, std::function<void()> on_ready)
    : on_ready_(std::move(on_ready)),
      event_(event_new(loop.base(), fd,
                       static_cast<short>((what == For::Reading ? EV_READ : EV_WRITE) | EV_PERSIST),
                       &FdWatch::on_event, this)) {}

void FdWatch::start() {
  event_add(event_.get(), nullptr);
}

void FdWatch::stop() {
  event_del(event_.get());
}

bool FdWatch::is_active() const {
  return event_pending(event_.get(), EV_READ | EV_WRITE, nullptr) != 0;
}

void FdWatch::on_event(int, short, void* self) noexcept {
  static_cast<FdWatch*>(self)->on_ready_();
}

}  // namespace hpp
