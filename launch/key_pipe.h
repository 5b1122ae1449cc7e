// Shell. Owns the pipe that carries keys to supervisord. It outlives each supervisord process.
#pragma once

#include <functional>
#include <string_view>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/pipe.h"

namespace hpp::launch {

class KeyPipe {
 public:
  // `on_room` is called when there is room again after write() has returned false. Throws
  // std::system_error.
  KeyPipe(Loop& loop, std::function<void()> on_room);

  // The descriptor for supervisord's stdin. The pipe keeps it.
  int reader() const { return pipe_.reader.get(); }

  // Limit for one write(), in bytes: a pipe that is writable takes this much at once, pipe(7).
  static constexpr std::size_t kWriteMax = 4096;

  // Writes all of `bytes`. Returns whether there is room for another write(); if not, wait for
  // `on_room`. While no supervisord runs, the bytes stay in the pipe for the next one.
  bool write(std::string_view bytes);

 private:
  Pipe pipe_ = make_pipe();
  std::function<void()> on_room_;
  FdWatch writable_;
};

}  // namespace hpp::launch
