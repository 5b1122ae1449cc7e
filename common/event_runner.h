// Pure. Passes events to a core one at a time, in the order in which they were posted.
#pragma once

#include <deque>
#include <functional>
#include <utility>

namespace hpp {

// While a shell performs the effects of one event, another event may occur: a process cannot be
// started, a peer is gone. That event is queued until all effects of the first one are performed,
// so that the effects of two events are never interleaved.
template <class Event>
class EventRunner {
 public:
  // `dispatch` passes the event to the core and performs the effects, in order.
  explicit EventRunner(std::function<void(const Event&)> dispatch)
      : dispatch_(std::move(dispatch)) {}

  EventRunner(const EventRunner&) = delete;
  EventRunner& operator=(const EventRunner&) = delete;

  // Dispatches the event at once or, while another event is dispatched, after the queued events.
  void post(Event event) {
    waiting_.push_back(std::move(event));
    if (std::exchange(is_running_, true)) return;
    while (!waiting_.empty()) {
      const Event next = std::move(waiting_.front());
      waiting_.pop_front();
      dispatch_(next);
    }
    is_running_ = false;
  }

  // Like post(), but puts the event before the queued events: for the result of an effect that the
  // core must handle first.
  void post_next(Event event) {
    if (!is_running_) return post(std::move(event));
    waiting_.push_front(std::move(event));
  }

  // Drops the queued events.
  void clear() { waiting_.clear(); }

 private:
  std::function<void(const Event&)> dispatch_;
  std::deque<Event> waiting_;
  bool is_running_ = false;
};

}  // namespace hpp
