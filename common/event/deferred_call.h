// A call at the end of the loop's turn. A member of the object that it works on: the destructor
// cancels the call. (Loop::later() has no such owner; its action always runs.)
#pragma once

#include <functional>

#include "common/event/loop.h"

namespace hpp {

class DeferredCall {
 public:
  // `loop` must outlive it.
  DeferredCall(Loop& loop, std::function<void()> action);
  DeferredCall(const DeferredCall&) = delete;
  DeferredCall& operator=(const DeferredCall&) = delete;

  // Calls the action once, after the callbacks that are due in this turn. Further starts before the
  // call change nothing.
  void start();
  void cancel();

 private:
  static void on_event(int, short, void* self) noexcept;

  std::function<void()> action_;
  EventPtr event_;
};

}  // namespace hpp
