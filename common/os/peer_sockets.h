// Asks the kernel about the peer's socket of a connection within this machine.
#pragma once

#include "common/os/unique_fd.h"

namespace hpp {

class PeerSockets {
 public:
  // Whether the peer's socket of the TCP connection `fd` was closed, and not only shut down: the
  // kernel still knows the socket, but no process owns it. In that case no process can notice how
  // this end is closed. Returns false if the kernel cannot tell, as for another machine or network
  // namespace. Takes about ten microseconds, regardless of the number of connections
  // (sock_diag(7)).
  bool is_abandoned(int fd);

 private:
  UniqueFd kernel_;
};

}  // namespace hpp
