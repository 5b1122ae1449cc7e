// Asks the kernel about the other end of a connection that stays within this machine.
#pragma once

#include "common/os/unique_fd.h"

namespace hpp {

class PeerSockets {
 public:
  // Whether the socket at the other end of the TCP connection `fd` belongs to no process any more,
  // although the kernel still knows it: it was closed, and not only shut down. Then nobody notices
  // how this end is closed. False if the kernel does not tell, and for another machine or network
  // namespace. Takes some ten microseconds, however many connections there are (sock_diag(7)).
  bool is_orphan(int fd);

 private:
  UniqueFd kernel_;
};

}  // namespace hpp
