// Asks the kernel about the peer's socket of a connection within this machine.
#pragma once

#include <chrono>

#include "common/os/unique_fd.h"

namespace hpp {

// How long after its FIN the peer's process may still be about to close its socket. A FIN leaves
// within close(2), a moment before the kernel takes the socket away from the process.
constexpr std::chrono::milliseconds kEndedFor{2};
// How long that may take on a busy machine, where the process can be preempted between the two.
// After this time, the process counts as one that has ended its direction but keeps its socket.
constexpr std::chrono::milliseconds kHalfClosedFor{100};

class PeerSockets {
 public:
  PeerSockets();

  // Whether the peer's socket of the TCP connection `fd` was closed, and not only shut down: the
  // kernel still knows the socket, but no process owns it. In that case no process can notice how
  // this end is closed. Returns false if the kernel cannot tell, as for another machine or network
  // namespace. Takes about ten microseconds, regardless of the number of connections
  // (sock_diag(7)).
  bool is_abandoned(int fd);

 private:
  UniqueFd kernel_;  // a netlink socket; not open if the kernel refuses it
};

}  // namespace hpp
