// Accepts connections on one listening socket.
#pragma once

#include <functional>

#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp {

class Listener {
 public:
  // Called with each accepted connection, non-blocking, and its peer.
  using OnAccept = std::function<void(UniqueFd, const SocketAddress&)>;

  // Takes over a socket that listens, and makes it non-blocking: systemd-socket-activate passes
  // blocking sockets, and accept(2) on one stops the loop once the backlog is empty. `loop` must
  // outlive the listener.
  Listener(Loop& loop, UniqueFd fd, OnAccept on_accept);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  static void on_event(int, short, void* self) noexcept;

  void accept_some();
  void rest(int error);

  OnAccept on_accept_;
  UniqueFd fd_;
  EventPtr event_;
  Timer rest_;  // a pause when no descriptors are left: the backlog keeps the connections
  bool rest_told_ = false;  // and nothing was accepted since
};

}  // namespace hpp
