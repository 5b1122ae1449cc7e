// Socket addresses, and the sockets made from them.
#pragma once

#include <sys/socket.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/os/unique_fd.h"

namespace hpp {

// An IPv4 or IPv6 address with its port, as the kernel has it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  // The IP address alone, without port or brackets: `127.0.0.1`, `::1`. An IPv4 address that came
  // in over an IPv6 socket is given as IPv4.
  std::string ip() const;

  // Address and port: `127.0.0.1:8000`, `[::1]:8000`.
  std::string text() const;

  std::uint16_t port() const;

  bool is_loopback() const;

  bool operator==(const SocketAddress& other) const {
    return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
  }
};

// All addresses of a name, without duplicates. `localhost` is always 127.0.0.1 and ::1, whatever
// the resolver says: servers bind one or the other and nobody can tell which (RFC 6761 §6.3).
// Blocks while the resolver works. Throws std::runtime_error with the name and the reason.
std::vector<SocketAddress> resolve(const Address& address);

// Binds and listens on every address of a name, with SO_REUSEADDR. An address family that the
// machine lacks is left out as long as one remains.
// Throws std::system_error (code EADDRINUSE if the port is taken) naming the address.
std::vector<UniqueFd> listen_on(const std::vector<SocketAddress>& addresses);

// Starts to connect. Returns a non-blocking socket which becomes writable when the attempt is
// over (then ask connect_error), or the errno value of what failed at once.
struct ConnectAttempt {
  UniqueFd fd;
  int error = 0;
};

ConnectAttempt start_connect(const SocketAddress& address);

// Whether it is a stream socket that listens.
bool is_listening(int fd);

// The address that a socket is bound to.
SocketAddress local_address(int fd);

// How the attempt on `fd` ended: 0, or an errno value.
int connect_error(int fd);

// What a read of a non-blocking socket would meet, as of now.
enum class Unread {
  Nothing,
  Bytes,
  End,  // FIN or reset. Whoever closes in good order now leaves the TIME_WAIT with the peer
        // (RFC 9293 §3.6)
};

Unread look_at_unread(int fd);

// Makes the close of a socket a reset (RST), which leaves no TIME_WAIT on either side, or a FIN
// again (socket(7), SO_LINGER).
void reset_on_close(int fd, bool wanted = true);

}  // namespace hpp
