#include "supervisord/port_check.h"

#include <poll.h>

#include "common/os/port_owner.h"

namespace hpp::supervisord {
namespace {

// Timeout for an address of another machine, which has to answer over a network.
constexpr int kConnectTimeMaxMs = 50;

bool accepts(const SocketAddress& address) {
  const ConnectAttempt attempt = start_connect(address);
  if (attempt.error != 0) return false;
  pollfd entry{.fd = attempt.fd.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&entry, 1, kConnectTimeMaxMs) > 0) return connect_error(attempt.fd.get()) == 0;
  // The accept queue of a stopped program may be full; then the kernel drops SYNs.
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
