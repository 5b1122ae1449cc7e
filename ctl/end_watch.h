// Shell. Ends a command that prints news without end: trace, and log --follow.
#pragma once

#include "common/event/loop.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "ctl/core/choice.h"

namespace hpp::ctl {

// Stops the loop on SIGINT and SIGTERM, and when the instance has ended.
class EndWatch {
 public:
  // `loop` and `instance` must outlive this.
  EndWatch(Loop& loop, const Instance& instance);

 private:
  void look();

  Loop& loop_;
  const Instance& instance_;
  Signals signals_;
  Timer next_look_;
};

}  // namespace hpp::ctl
