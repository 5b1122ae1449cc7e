#include "supervisord/port_check.h"

#include <poll.h>

#include "common/os/port_owner.h"

namespace hpp::supervisord {
namespace {

// For an address that is not on this machine: it would have to be answered over a network.
constexpr int kConnectTimeMaxMs = 50;

bool accepts(const SocketAddress& address) {
  const ConnectAttempt attempt = start_connect(address);
  if (attempt.error != 0) return false;
  pollfd entry{.fd = attempt.fd.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&entry, 1, kConnectTimeMaxMs) > 0) return connect_error(attempt.fd.get()) == 0;
  // A program that is stopped lets its accept queue run full, and then SYNs are dropped.
  return !listening_inodes(address).empty();
}

}  // namespace

std::optional<PortHolder> find_port_holder(const std::vector<SocketAddress>& addresses) {
  for (const SocketAddress& address : addresses) {
    if (!accepts(address)) continue;
    const auto owner = find_port_owner({address});
    return PortHolder{.port = address.port(),
                      .owner = owner.value_or(PortOwner{.pid = 0, .text = "another process"})};
  }
  return std::nullopt;
}

}  // namespace hpp::supervisord
