// Calls a function once after a delay. Make it a member of the object that the function works on,
// because its destructor cancels the call.
#pragma once

#include <functional>

#include "common/event/loop.h"

namespace hpp {

class Timer {
 public:
  // `on_expired` is called from the loop, once per start(). `loop` must outlive the timer.
  Timer(Loop& loop, std::function<void()> on_expired);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Expires once after `delay`. Calling start() again before that replaces the deadline.
  void start(std::chrono::microseconds delay);
  void stop();
  bool is_active() const;

 private:
  static void on_event(int, short, void* self) noexcept;

  std::function<void()> on_expired_;
  EventPtr event_;
};

}  // namespace hpp
