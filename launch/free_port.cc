#include "launch/free_port.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#include "common/os/unique_fd.h"

namespace hpp::launch {
namespace {

constexpr unsigned kTries = 1'000;
constexpr unsigned kPortMax = 65'535;
constexpr unsigned kUnprivilegedMin = 1'024;

// Whether the address can be bound. An address family that the machine does not have is free.
template <class Address>
bool can_bind(const Address& address, int family) {
  const UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return true;
  const int on = 1;  // a port with connections in TIME_WAIT is free for a server
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  return ::bind(fd.get(), generic, sizeof address) == 0 || errno == EADDRNOTAVAIL;
}

bool is_free(std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  return can_bind(v4, AF_INET) && can_bind(v6, AF_INET6);
}

}  // namespace

std::uint16_t free_port_after(std::uint16_t port) {
  unsigned candidate = port;
  for (unsigned i = 0; i < kTries; ++i) {
    candidate = candidate >= kPortMax ? kUnprivilegedMin : candidate + 1;
    if (candidate < kUnprivilegedMin) candidate = kUnprivilegedMin;
    const auto found = static_cast<std::uint16_t>(candidate);
    if (is_free(found)) return found;
  }
  throw std::runtime_error(fmt::format(
      "none of the {} ports after {} is free. Choose one for your server yourself: hpp-launch {} "
      "BACKEND …",
      kTries, port, port));
}

}  // namespace hpp::launch
