// Shell. Waits until the kernel has released the connections of a dead backend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/socket_address.h"
#include "supervisord/core/port_wait.h"

namespace hpp::supervisord {

// Returns the number of orphaned connections on a local port: their process is dead, and they wait
// for the peer to close its side. They prevent a server that does not set SO_REUSEADDR (socket(7))
// from binding the port. Connections in TIME_WAIT prevent it, too, but are not counted, because
// they end only after a minute. Returns 0 if the kernel does not support the query (sock_diag(7)).
// Takes milliseconds, because the kernel searches all connections.
std::size_t orphaned_connections(std::uint16_t port);

// Ends the orphaned connections whose peer no longer exists on this machine; others stay. They
// would prevent a bind for up to a minute. They are rare: if both ends close at the same moment,
// the kernel can lose the peer's reset. Returns how many orphaned connections there were.
std::size_t end_abandoned_connections(std::uint16_t port);

// Whether a server could bind without SO_REUSEADDR. Takes microseconds.
bool can_be_bound(const SocketAddress& address);

// The peer is usually proxyd, which resets its connections when it receives the snapshot about the
// kill. On a busy machine, a backend that boots in a few milliseconds can be faster than that.
class PortRelease {
 public:
  // Calls `on_released` once per await(), possibly before await() returns. `loop` must outlive
  // this. `addresses` are the backend's addresses, all with the same port.
  PortRelease(Loop& loop, std::vector<SocketAddress> addresses, std::function<void()> on_released);

  // Waits until there is no orphan, or until the core gives up. The arguments are PortWait's.
  void await(Backend::State state, std::uint64_t generation);

  // Passes on proxyd's report (ProxyState) of the newest generation that it has released.
  void on_released(std::uint64_t generation) { wait_.on_released(generation); }

 private:
  void look();

  std::vector<SocketAddress> addresses_;
  std::function<void()> on_released_;
  PortWait wait_;
  Timer timer_;
};

}  // namespace hpp::supervisord
