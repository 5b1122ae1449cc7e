// Shell. Finds out whether another process listens on the backend's port.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/os/port_owner.h"
#include "common/os/socket_address.h"

namespace hpp::supervisord {

struct PortHolder {
  std::uint16_t port = 0;
  PortOwner owner;
};

// Returns the process that accepts connections on one of the addresses, or nothing if there is
// none. Only such a process matters here, because the probe could take its answer for the
// backend's. For a loopback address this returns at once; for another address it blocks for at most
// kConnectTimeMaxMs.
std::optional<PortHolder> find_port_holder(const std::vector<SocketAddress>& addresses);

}  // namespace hpp::supervisord
