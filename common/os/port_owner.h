// Finds sockets that listen, and the processes that have them open (/proc/net).
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/os/socket_address.h"

namespace hpp {

// Returns the inodes of the sockets that a connection to `address` reaches: those that listen on
// exactly this address or, if there are none, on the wildcard address. Several sockets are returned
// if they share an address (SO_REUSEPORT). The result is empty if no socket listens, or if the
// kernel does not show it.
std::vector<std::string> listening_inodes(const SocketAddress& address);

// Returns where other programs reach the sockets of this network namespace, by inode: `port 8001`,
// `UDP port 53`, `/run/app.sock`. These are the TCP and Unix sockets that listen, and the UDP
// sockets that have a port and are not connected.
std::map<std::string, std::string> open_sockets();

// Whether a process has one of these sockets open.
enum class Holds {
  No,
  Yes,
  Unknown,  // this process may not read the other's descriptors
};

Holds holds_socket(pid_t pid, const std::vector<std::string>& inodes);

struct PortOwner {
  pid_t pid = 0;     // 0: unknown, because this process may not read the owner's descriptors
  std::string text;  // the result of describe_process(), or `another process`
};

// Returns a process that has one of these sockets open. If several do, it is the first one found.
PortOwner find_socket_owner(const std::vector<std::string>& inodes);

// Returns the owner of the first of these addresses that has a listener. Returns nothing if none
// has.
std::optional<PortOwner> find_port_owner(const std::vector<SocketAddress>& addresses);

}  // namespace hpp
