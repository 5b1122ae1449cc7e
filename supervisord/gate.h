// Shell. hpp's end of a gate (docs/gate.rst): a socket on which a process of the backend's command
// sends lines.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"
#include "supervisord/core/spare_events.h"

namespace hpp::supervisord {

// Bytes of a line from a process. The longest is `env` with NODE_OPTIONS.
constexpr std::size_t kGateLineMax = 64 * 1024;

class Gate {
 public:
  using OnEvent = std::function<void(spare::Event)>;

  // Makes the socket. `on_event` is called with Line and Closed events of `of`; Closed is the last
  // one. It may bury this object. Throws std::system_error.
  Gate(Loop& loop, spare::Of of, OnEvent on_event);

  // The end for the process.
  int child_end() const { return child_end_.get(); }

  // To be called when the process has its end, or could not be started.
  void close_child_end() { child_end_.reset(); }

  // The events are those of the server from now on.
  void promote() { of_ = spare::Of::Server; }

  // Shuts down our side: a process that reads its first line after this gets none.
  void end_lines();

  // Sends lines. If the process has closed its end, a Closed event follows.
  void send(std::string_view lines);

  // Reads what has arrived, before something else is handled that came after it.
  void read_now() { on_readable(); }

  // Closes the socket. No more events follow.
  void close();

 private:
  void on_readable();
  void split_lines();

  spare::Of of_;
  OnEvent on_event_;
  UniqueFd child_end_;
  UniqueFd fd_;
  std::string pending_;  // the beginning of a line
  FdWatch readable_;
};

}  // namespace hpp::supervisord
