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
  // Called with each accepted connection, which is non-blocking, and the address of its peer.
  using OnAccept = std::function<void(UniqueFd, const SocketAddress&)>;

  // Takes ownership of a listening socket, and makes it non-blocking. systemd-socket-activate
  // passes blocking sockets, whose accept(2) would stop the loop when the backlog is empty. `loop`
  // must outlive the listener.
  Listener(Loop& loop, UniqueFd fd, OnAccept on_accept);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  static void on_event(int, short, void* self) noexcept;

  void accept_some();
  void pause(int error);

  OnAccept on_accept_;
  UniqueFd fd_;
  EventPtr event_;
  Timer pause_;              // the pause without free descriptors; connections wait in the backlog
  bool pause_told_ = false;  // a pause was logged, and no connection has been accepted since
};

}  // namespace hpp
