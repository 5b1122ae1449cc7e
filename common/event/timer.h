// A one-shot deadline. A member of what it times out, so it cannot outlive it.
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

  // Expires after `delay` from now; a start before that moves the deadline.
  void start(std::chrono::microseconds delay);
  void stop();
  bool is_active() const;

 private:
  static void on_event(int, short, void* self) noexcept;

  std::function<void()> on_expired_;
  EventPtr event_;
};

}  // namespace hpp
