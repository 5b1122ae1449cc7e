// Turns signals into callbacks of the loop.
#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "common/event/loop.h"

namespace hpp {

class Signals {
 public:
  // Calls `on_signal` with the number of each signal in `numbers` that arrives, from the loop, not
  // from a signal handler. Several arrivals before the next turn of the loop may cause one call.
  Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> on_signal);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  static void on_event(int number, short, void* self) noexcept;

  std::function<void(int)> on_signal_;
  std::vector<EventPtr> events_;
};

}  // namespace hpp
