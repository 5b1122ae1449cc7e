// Shell. Passes our stdin on to the backend's terminal, for --interactive.
#pragma once

#include <memory>
#include <string>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// hpp-launch sends each key when it is pressed. The backend's terminal, or the backend itself,
// interprets the key (erase, Ctrl+D, …). If the backend does not read, we stop reading, so that
// keys wait in our stdin. A key that was read for one backend is never passed to the next one.
class Input {
 public:
  // `source` is a pipe; its end of file is ignored. `loop` must outlive this.
  Input(Loop& loop, int source);

  // Sends the keys to this pseudoterminal's master from now on. The descriptor must be non-blocking
  // and is duplicated. Throws std::system_error.
  void lead_to(int master);

 private:
  void on_readable();
  void write();

  Loop& loop_;
  int source_;
  FdWatch readable_;
  UniqueFd master_;
  std::unique_ptr<FdWatch> writable_;
  std::string waiting_;  // keys that are not written yet, at most one read
};

}  // namespace hpp::supervisord
