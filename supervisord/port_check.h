// Shell. Sees whether somebody else holds the backend's port.
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

// Who accepts connections on one of the addresses; nobody: the port is free as far as our ping is
// concerned, which would take a stranger's answer for the backend's. On loopback the answer comes
// at once; elsewhere this blocks for kConnectTimeMax at most.
std::optional<PortHolder> find_port_holder(const std::vector<SocketAddress>& addresses);

}  // namespace hpp::supervisord
