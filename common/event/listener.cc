#include "common/event/listener.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/log.h"
#include "common/os/limits.h"
#include "common/os/pipe.h"

namespace hpp {
namespace {

// The most connections that are accepted per turn of the loop, so that a flood of new connections
// does not starve the others.
constexpr int kAcceptsPerTurn = 64;
// How long to leave connections in the backlog when the process has no free descriptor.
constexpr Milliseconds kPauseWithoutDescriptors{50};

}  // namespace

Listener::Listener(Loop& loop, UniqueFd fd, OnAccept on_accept)
    : on_accept_(std::move(on_accept)),
      fd_(std::move(fd)),
      event_(event_new(loop.base(), fd_.get(), EV_READ | EV_PERSIST, &Listener::on_event, this)),
      pause_(loop, [this] { event_add(event_.get(), nullptr); }) {
  set_nonblocking(fd_.get());
  const int on = 1;  // accepted sockets inherit the option (tcp(7))
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  event_add(event_.get(), nullptr);
}

void Listener::on_event(int, short, void* self) noexcept {
  static_cast<Listener*>(self)->accept_some();
}

void Listener::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    SocketAddress peer;
    peer.length = sizeof peer.storage;
    UniqueFd connection(
        ::accept4(fd_.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection.is_open()) {
      const int error = errno;
      if (!shortage_text(error).empty()) pause(error);
      return;  // EAGAIN: the backlog is empty; ECONNABORTED and similar: the peer has gone
    }
    pause_told_ = false;
    on_accept_(std::move(connection), peer);
  }
}

void Listener::pause(int error) {
  if (!std::exchange(pause_told_, true)) {
    log::warning("cannot accept connections, so they wait: {}", shortage_text(error));
  }
  event_del(event_.get());
  pause_.start(kPauseWithoutDescriptors);
}

}  // namespace hpp
