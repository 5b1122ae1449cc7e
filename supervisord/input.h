// Shell. Owns the way of our stdin to the backend's terminal, for --interactive.
#pragma once

#include <memory>
#include <string>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// hpp-launch sends each key as it comes; what it means (erase, Ctrl+D, …) is decided by the
// backend's terminal, or by the backend itself. What it does not take makes us read no more, so the
// keys wait where they come from. Keys are for the backend that is there when they come: the next
// one begins with none.
class Input {
 public:
  // `source`: a pipe, whose end is nobody's concern. `loop` must outlive this.
  Input(Loop& loop, int source);

  // From now on the keys go to that pseudoterminal's master, which must be non-blocking. It is
  // duplicated. Throws std::system_error.
  void lead_to(int master);

 private:
  void on_readable();
  void write();

  Loop& loop_;
  int source_;
  FdWatch readable_;
  UniqueFd master_;
  std::unique_ptr<FdWatch> writable_;
  std::string waiting_;  // one read at most
};

}  // namespace hpp::supervisord
