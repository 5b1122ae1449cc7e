#include "common/event/deferred_call.h"

#include <event2/event.h>

#include <utility>

namespace hpp {

DeferredCall::DeferredCall(Loop& loop, std::function<void()> action)
    : action_(std::move(action)),
      event_(event_new(loop.base(), -1, 0, &DeferredCall::on_event, this)) {}

void DeferredCall::start() {
  event_active(event_.get(), EV_TIMEOUT, 0);
}

void DeferredCall::cancel() {
  event_del(event_.get());
}

void DeferredCall::on_event(int, short, void* self) noexcept {
  static_cast<DeferredCall*>(self)->action_();
}

}  // namespace hpp
