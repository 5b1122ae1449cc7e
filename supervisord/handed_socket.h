// Shell. Owns the socket that is handed to backends (--socket); it listens without a backend, too.
#pragma once

#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// A connection that arrives while no backend runs waits in the backlog for the next backend.
class HandedSocket {
 public:
  explicit HandedSocket(const SocketAddress& address) : address_(address) {}

  // Uses the socket that an earlier supervisord has opened.
  void take_over(UniqueFd fd) { fd_ = std::move(fd); }

  bool is_open() const { return fd_.is_open(); }

  // Prepares the socket for a new backend: opens it if it is not open, and makes it blocking, as
  // sockets from systemd are, because the previous backend may have changed that. Returns the
  // descriptor, which this object keeps. Throws std::system_error.
  int prepare();

 private:
  SocketAddress address_;
  UniqueFd fd_;
};

}  // namespace hpp::supervisord
