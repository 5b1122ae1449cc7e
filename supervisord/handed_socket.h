// Shell. Owns the socket that backends are handed (--socket): it listens whether one runs or not.
#pragma once

#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// Who connects while no backend runs waits in its backlog, for the next one.
class HandedSocket {
 public:
  explicit HandedSocket(const SocketAddress& address) : address_(address) {}

  // Goes on with the one that an earlier supervisord has opened.
  void take_over(UniqueFd fd) { fd_ = std::move(fd); }

  bool is_open() const { return fd_.is_open(); }

  // Opens it if it is not, and makes it fit for a new backend: blocking, as systemd hands it over,
  // whatever the one before has made of it. Throws std::system_error.
  int prepare();

 private:
  SocketAddress address_;
  UniqueFd fd_;
};

}  // namespace hpp::supervisord
