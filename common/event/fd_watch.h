// Calls a function when a file descriptor is readable or writable. Does not own the descriptor.
#pragma once

#include <functional>

#include "common/event/loop.h"

namespace hpp {

class FdWatch {
 public:
  enum class For { Reading, Writing };

  // Calls `on_ready` again and again while `fd` is ready (level-triggered) and the watch is
  // started. `loop` and `fd` must outlive the watch. epoll must support `fd`, so it cannot be a
  // plain file.
  FdWatch(Loop& loop, int fd, For what, std::function<void()> on_ready);
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  void start();
  void stop();
  bool is_active() const;

 private:
  static void on_event(int, short, void* self) noexcept;

  std::function<void()> on_ready_;
  EventPtr event_;
};

}  // namespace hpp
