// Shell. Owns the pipe by which the keys reach supervisord, whichever of them is there.
#pragma once

#include <functional>
#include <string_view>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/child.h"

namespace hpp::launch {

class KeyPipe {
 public:
  // `on_room` is called when a write has returned false, and there is room again. Throws
  // std::system_error.
  KeyPipe(Loop& loop, std::function<void()> on_room);

  // For supervisord's stdin.
  int reader() const { return pipe_.reader.get(); }

  // At most this much at a time is written without blocking, pipe(7).
  static constexpr std::size_t kWriteMax = 4096;

  // Writes all of it. Returns whether there is room for more; requires that there was. While
  // supervisord is away what is typed waits in the pipe.
  bool write(std::string_view bytes);

 private:
  Pipe pipe_ = make_pipe();
  std::function<void()> on_room_;
  FdWatch writable_;
};

}  // namespace hpp::launch
