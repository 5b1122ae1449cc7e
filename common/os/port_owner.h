// Which processes listen on a TCP port, as /proc shows it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/os/socket_address.h"

namespace hpp {

// The inodes of the sockets that a connection to `address` reaches: those that listen on exactly
// this address or, without one, on the wildcard address. Several sockets only if they share their
// address (SO_REUSEPORT). None: nobody listens, or the kernel does not say.
std::vector<std::string> listening_inodes(const SocketAddress& address);

// Whether a process has one of these sockets open.
enum class Holds {
  No,
  Yes,
  Unknown,  // its descriptors are not ours to see
};

Holds holds_socket(pid_t pid, const std::vector<std::string>& inodes);

struct PortOwner {
  pid_t pid = 0;     // 0: its descriptors are not ours to see
  std::string text;  // describe_process, or `another process`
};

// The first process found that has one of these sockets open; of several that share a socket, any.
PortOwner find_socket_owner(const std::vector<std::string>& inodes);

// The process that a connection to the first of these addresses with a listener reaches. Nothing:
// nobody listens on any of them.
std::optional<PortOwner> find_port_owner(const std::vector<SocketAddress>& addresses);

}  // namespace hpp
