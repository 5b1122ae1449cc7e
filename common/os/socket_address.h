// IP socket addresses, and sockets that listen on them or connect to them.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/os/unique_fd.h"

namespace hpp {

// An IPv4 or IPv6 address with its port, in the kernel's format.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  // Returns the IP address without port or brackets: `127.0.0.1`, `::1`. An IPv4-mapped IPv6
  // address is returned as IPv4.
  std::string ip() const;

  // Returns address and port: `127.0.0.1:8000`, `[::1]:8000`.
  std::string text() const;

  std::uint16_t port() const;

  bool is_loopback() const;

  bool operator==(const SocketAddress& other) const {
    return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
  }
};

// Returns all addresses of a name, without duplicates. For `localhost` that is always 127.0.0.1 and
// ::1, without the resolver (RFC 6761 §6.3), because a server may listen on either of them. For `*`
// that is every address of the machine. Blocks
// while the resolver works. Throws std::runtime_error with the name and the reason.
std::vector<SocketAddress> resolve(const Address& address);

// Listens on all these addresses, with SO_REUSEADDR. Skips an address family that the machine
// lacks, unless it is the only one. Throws std::system_error with the address in its text; the code
// is EADDRINUSE if the port is taken.
std::vector<UniqueFd> listen_on(const std::vector<SocketAddress>& addresses);

// A started connection attempt: a non-blocking socket that becomes writable when the attempt has
// ended (connect_error() then returns the result), or the errno value of an immediate failure.
struct ConnectAttempt {
  UniqueFd fd;
  int error = 0;
};

ConnectAttempt start_connect(const SocketAddress& address);

// Whether `fd` is a listening stream socket.
bool is_listening(int fd);

// Returns the address that a socket is bound to.
SocketAddress local_address(int fd);

// Returns how the connection attempt on `fd` ended: 0 or an errno value.
int connect_error(int fd);

// What a read of a non-blocking socket would find at this moment.
enum class Unread {
  Nothing,
  Bytes,
  End,  // FIN or reset. If this end is closed after a FIN, the TIME_WAIT is the peer's
        // (RFC 9293 §3.6)
};

Unread look_at_unread(int fd);

// If `wanted`, closing the socket sends a reset (RST), which leaves no TIME_WAIT on either side.
// Otherwise it sends a FIN, which is the default (socket(7), SO_LINGER).
void reset_on_close(int fd, bool wanted = true);

}  // namespace hpp
