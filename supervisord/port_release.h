// Shell. Waits until the kernel has let go of the connections of a backend that is dead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/socket_address.h"

namespace hpp::supervisord {

// How many connections on a local port have lost the process that they belonged to, and wait for
// the other side to end them. They keep the port from a server that does without SO_REUSEADDR
// (socket(7)). Those in TIME_WAIT do, too, and do not count: nothing but a minute ends them. 0 as
// well if the kernel does not tell (sock_diag(7)), which takes it milliseconds: it looks at all
// connections there are.
std::size_t orphaned_connections(std::uint16_t port);

// Whether a server could bind without SO_REUSEADDR. Microseconds.
bool can_be_bound(const SocketAddress& address);

// The other side is mostly proxyd, which resets its connections as soon as it hears of the kill; on
// a busy machine a backend that boots in a few milliseconds is faster.
class PortRelease {
 public:
  // Calls `on_released` once per await(), perhaps before that returns. `loop` must outlive this.
  // `addresses` are the backend's, all with one port.
  PortRelease(Loop& loop, std::vector<SocketAddress> addresses, std::function<void()> on_released);

  // Until there is no orphan of that generation or one before it; 0: of one of which proxyd will
  // say nothing. Those of proxyd are waited for until a hang of the machine would be over; others
  // not for long, since they may belong to somebody who does not care.
  void await(std::uint64_t generation);

  // What proxyd has said (ProxyState).
  void on_released(std::uint64_t generation) { let_go_ = generation; }

 private:
  bool is_free() const;
  bool is_over(TimePoint now) const;
  void look();

  std::vector<SocketAddress> addresses_;
  std::function<void()> on_released_;
  std::uint64_t generation_ = 0;
  std::optional<std::uint64_t> let_go_;  // nothing: proxyd has not been heard
  TimePoint begun_{};
  Timer timer_;
};

}  // namespace hpp::supervisord
