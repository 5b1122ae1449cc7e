// A descriptor that we have inherited and write to: the user's terminal, a pipe, a log file.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "common/os/unique_fd.h"
#include "common/output_queue.h"

namespace hpp {

// Never blocks, whatever becomes of the terminal or of the pipe's reader: what is not taken waits,
// up to kWaitingMax. A destination that is gone (EPIPE, EIO, ENOSPC) takes everything.
//
//   own      A terminal or pipe: opened once more, non-blocking (reopen.h).
//   socket   send(2) has a flag for it.
//   shared   A terminal or pipe that we may not open (another user's). We look whether it takes
//            bytes, and write so few that it takes them all. The write can only block if another
//            process fills the terminal, or a pipe of an old kernel, after the look.
//   other    A file, or a device such as /dev/null, takes everything at once.
class Outlet {
 public:
  // Bytes that wait at most; beyond that the oldest lines are dropped (output_queue.h).
  static constexpr std::size_t kWaitingMax = 4 * 1024 * 1024;

  // Does not own `fd`.
  explicit Outlet(int fd);

  // `own`: the same terminal or pipe, opened once more; not open: we may not.
  Outlet(int fd, UniqueFd own);

  void write(std::string_view bytes);

  // Writes a line of hpp's own. If the last byte that was written here has not ended its line (a
  // prompt, or output without a final newline), that line is ended first.
  void write_line(std::string_view line);

  // Writes a sequence that a terminal obeys, and that leaves the line as it is.
  void write_control(std::string_view sequence);

  bool is_waiting() const { return !queue_.is_empty(); }

  // Writes of what waits as much as is taken now. Returns whether that was all.
  bool flush();

  // Waits until all is taken, for at most that long. For the end of a program.
  void finish(std::chrono::milliseconds patience);

  // `on_waiting` is called when something begins to wait: flush() is to be called when fd() is
  // writable. event/outlet_watch.h does so.
  void on_waiting(std::function<void()> on_waiting) { on_waiting_ = std::move(on_waiting); }

  int fd() const { return own_.is_open() ? own_.get() : target_; }

  // The descriptor that was inherited.
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
