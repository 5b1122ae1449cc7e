#include "supervisord/port_check.h"

#include <poll.h>

namespace hpp::supervisord {
namespace {

// For an address that is not on this machine: it would have to be answered over a network.
constexpr int kConnectTimeMaxMs = 50;

bool accepts(const SocketAddress& address) {
  const ConnectAttempt attempt = start_connect(address);
  if (attempt.error != 0) return false;
  pollfd entry{.fd = attempt.fd.get(), .events = POLLOUT, .revents = 0};
  return ::poll(&entry, 1, kConnectTimeMaxMs) > 0 && connect_error(attempt.fd.get()) == 0;
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
