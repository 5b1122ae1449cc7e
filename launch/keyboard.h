// Shell. Reads the terminal that is our stdin, and owns its mode, while we are in the foreground.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "common/os/unique_fd.h"
#include "launch/key_mode.h"

namespace hpp::launch {

// The kernel stops a background process that reads from its terminal (SIGTTIN), and hpp-launch can
// get into the background at any time: by `&`, or by Ctrl+Z and `bg`. Therefore Keyboard reads only
// while its process group is in the foreground, and otherwise checks again later. Input that
// arrives meanwhile is for the foreground program, which may not have read it yet.
//
// For single keys, the terminal is in KeyMode, which other programs must not see. Before Ctrl+Z
// stops hpp-launch, the previous mode is restored.
class Keyboard {
 public:
  enum class Use {
    Lines,   // the terminal's mode is unchanged; it delivers lines
    Single,  // the terminal is in KeyMode for hpp; it delivers single keys
    Keys,    // the terminal is in KeyMode for the backend; it delivers single keys
  };

  struct Handler {
    // Called with the input, at most 4096 bytes. If it returns false, reading pauses until
    // resume().
    std::function<bool(std::string_view)> on_bytes;
    // Not for Use::Lines: called with the mode that must be restored even if this process is
    // killed.
    std::function<void(const KeyMode&)> on_mode;
  };

  // Whether Use::Lines and Use::Single make sense: stdin, stdout and stderr are terminals. In a
  // pipeline, the keyboard belongs to another program (`hpp-launch | less`).
  static bool is_for_lines();

  // Whether Use::Keys makes sense: stdin and stdout are terminals, so that the user sees the
  // effect.
  static bool is_for_keys();

  // Requires is_for_keys() for Use::Keys, and else is_for_lines().
  Keyboard(Loop& loop, Use use, Handler handler);
  ~Keyboard();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

  void resume();

 private:
  void start_reading();
  void retry_later();
  void on_readable();
  void on_job_signal(int number);

  // The terminal, opened again as non-blocking if that is possible, or stdin. Another foreground
  // process may read the input first, and our read must not block then.
  int fd() const { return own_.is_open() ? own_.get() : STDIN_FILENO; }

  Use use_;
  Handler handler_;
  KeyMode mode_;
  bool is_paused_ = false;
  UniqueFd own_;
  FdWatch readable_;
  Timer retry_timer_;
  std::optional<Signals> job_signals_;  // not for Use::Lines
};

}  // namespace hpp::launch
