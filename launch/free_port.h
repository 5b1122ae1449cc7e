// Shell. Chooses the port of a server whose address the user has left out.
#pragma once

#include <cstdint>

namespace hpp::launch {

// Returns the first port above `port` on which no program listens on this machine's loopback
// addresses. It is below the ports that the kernel gives to clients, as far as `port` is, so that
// no client can take it while the server restarts. Throws std::runtime_error if the next 1,000
// ports are taken.
std::uint16_t free_port_after(std::uint16_t port);

}  // namespace hpp::launch
