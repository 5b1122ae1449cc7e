// Writes to an inherited descriptor (terminal, pipe or log file) without blocking.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "common/os/unique_fd.h"
#include "common/output_queue.h"

namespace hpp {

// Never blocks, even if the terminal is stopped or the pipe's reader does not read. Bytes that
// cannot be written yet are queued, up to kWaitingMax. If the destination is gone (EPIPE, EIO,
// ENOSPC), bytes are discarded.
//
//   own      A terminal or pipe, opened once more as non-blocking (reopen.h).
//   socket   send(2) has a flag against blocking.
//   shared   A terminal or pipe that this process may not open, because it belongs to another user.
//            If poll(2) reports room, we write so few bytes that they fit. This can only block if
//            another process fills the terminal, or a pipe of an old kernel, after the poll.
//   other    A file, or a device such as /dev/null, accepts everything at once.
class Outlet {
 public:
  // Limit of the queue. Beyond it, the oldest lines are dropped (output_queue.h).
  static constexpr std::size_t kWaitingMax = 4 * 1024 * 1024;

  // Does not own `fd`.
  explicit Outlet(int fd);

  // `own` is the same terminal or pipe, opened once more, or not open if that was not permitted.
  Outlet(int fd, UniqueFd own);

  void write(std::string_view bytes);

  // Writes one of hpp's own lines. If the previous output does not end with a newline (a prompt,
  // for example), writes a newline first.
  void write_line(std::string_view line);

  // Writes an escape sequence that adds no text to the current line.
  void write_control(std::string_view sequence);

  bool is_waiting() const { return !queue_.is_empty(); }

  // Writes as many queued bytes as possible without blocking. Returns whether the queue is empty.
  bool flush();

  // Blocks until the queue is empty, for at most `patience`. For the end of a program.
  void finish(std::chrono::milliseconds patience);

  // Sets the function that is called when bytes are queued and none were before. The owner then
  // calls flush() whenever fd() is writable, as event/outlet_watch.h does.
  void on_waiting(std::function<void()> on_waiting) { on_waiting_ = std::move(on_waiting); }

  int fd() const { return own_.is_open() ? own_.get() : target_; }

  // The inherited descriptor.
  int target() const { return target_; }

 private:
  enum class Kind { Socket, Own, Shared, Other };

  static Kind kind_of(int fd, bool has_own);
  std::size_t write_once(std::string_view bytes) const;

  int target_;
  UniqueFd own_;
  Kind kind_;
  OutputQueue queue_{kWaitingMax};
  bool is_mid_line_ = false;
  std::function<void()> on_waiting_;
};

}  // namespace hpp
