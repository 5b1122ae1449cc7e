// Shell. Owns the reading of the terminal that is our stdin: only while it is ours to read.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/timer.h"

namespace hpp::launch {

// A background process that reads from its terminal is stopped (SIGTTIN), and hpp-launch may be one
// at any time: `&`, Ctrl+Z and `bg`. So it looks first whether its group is in the foreground, and
// rests for a while if it is not: what is typed then is for somebody else, who has not read it yet.
class Keyboard {
 public:
  // Whether there is somebody to serve: stdin, stdout and stderr are terminals. In a pipeline the
  // keys are for another (`hpp-launch | less`).
  static bool is_there();

  // Calls `on_bytes` with what the terminal gives, as it gives it. Requires is_there().
  Keyboard(Loop& loop, std::function<void(std::string_view)> on_bytes);

 private:
  void on_readable();

  std::function<void(std::string_view)> on_bytes_;
  FdWatch readable_;
  Timer rest_;
};

}  // namespace hpp::launch
