// Calls a function at the end of the loop's turn. Make it a member of the object that the function
// works on, because its destructor cancels the call. An action of Loop::later() always runs.
#pragma once

#include <functional>

#include "common/event/loop.h"

namespace hpp {

class DeferredCall {
 public:
  // `loop` must outlive the DeferredCall.
  DeferredCall(Loop& loop, std::function<void()> action);
  DeferredCall(const DeferredCall&) = delete;
  DeferredCall& operator=(const DeferredCall&) = delete;

  // Calls the action once, after the callbacks that are due in this turn. Calling start() again
  // before that has no effect.
  void start();
  void cancel();

 private:
  static void on_event(int, short, void* self) noexcept;

  std::function<void()> action_;
  EventPtr event_;
};

}  // namespace hpp
