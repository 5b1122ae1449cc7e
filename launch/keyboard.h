// Shell. Owns the reading of the terminal that is our stdin, and its mode: only while it is ours.
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

// A background process that reads from its terminal is stopped (SIGTTIN), and hpp-launch may be one
// at any time: `&`, Ctrl+Z and `bg`. So it looks first whether its group is in the foreground, and
// rests for a while if it is not: what is typed then is for somebody else, who has not read it yet.
//
// For keys (--interactive) the terminal has a mode of its own, and in the background it may not:
// Ctrl+Z gives it back as it was before we stop.
class Keyboard {
 public:
  enum class Use {
    Lines,  // the terminal is left as it is
    Keys,   // KeyMode
  };

  struct Handler {
    // What was typed, at most 4096 bytes. Returns whether more may come now; resume() if not.
    std::function<bool(std::string_view)> on_bytes;
    // The terminal is in a mode that must be taken back, whatever becomes of us. Use::Keys.
    std::function<void(const KeyMode&)> on_mode;
  };

  // Whether there is somebody to serve with lines: stdin, stdout and stderr are terminals. In a
  // pipeline the keys are for another (`hpp-launch | less`).
  static bool is_for_lines();

  // Whether keys can come, and what they lead to can be seen: stdin and stdout are terminals.
  static bool is_for_keys();

  // Requires the one or the other.
  Keyboard(Loop& loop, Use use, Handler handler);
  ~Keyboard();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

  void resume();

 private:
  void look();
  void rest();
  void on_readable();
  void on_job_signal(int number);

  // stdin. Opened once more, where that works: another process of the foreground may be faster to
  // read what was typed, and a read that finds nothing must not block.
  int fd() const { return own_.is_open() ? own_.get() : STDIN_FILENO; }

  Use use_;
  Handler handler_;
  KeyMode mode_;
  bool is_paused_ = false;
  UniqueFd own_;
  FdWatch readable_;
  Timer rest_;
  std::optional<Signals> job_signals_;  // for Use::Keys
};

}  // namespace hpp::launch
