// Pure. Gives events to a core one at a time, in the order in which they were posted.
#pragma once

#include <deque>
#include <functional>
#include <utility>

namespace hpp {

// While a shell performs the effects of one event, the next event may occur: a process that cannot
// be started, a peer that is gone. It waits until all effects of the first one are performed, so
// that the effects of two events never mix.
template <class Event>
class EventRunner {
 public:
  // `dispatch` gives the event to the core and performs its effects, in order.
  explicit EventRunner(std::function<void(const Event&)> dispatch)
      : dispatch_(std::move(dispatch)) {}

  EventRunner(const EventRunner&) = delete;
  EventRunner& operator=(const EventRunner&) = delete;

  // Dispatches the event: at once, or after those that wait already.
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

  // As post(), but before the events that wait: for the answer to an effect that the core must know
  // before anything else.
  void post_next(Event event) {
    if (!is_running_) return post(std::move(event));
    waiting_.push_front(std::move(event));
  }

  // Forgets the events that wait.
  void clear() { waiting_.clear(); }

 private:
  std::function<void(const Event&)> dispatch_;
  std::deque<Event> waiting_;
  bool is_running_ = false;
};

}  // namespace hpp
