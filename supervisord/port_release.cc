#include "supervisord/port_release.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/os/unique_fd.h"

namespace hpp::supervisord {
namespace {

constexpr Milliseconds kLookAgainAfter{1};

constexpr std::uint32_t kOrphanStates =
    1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSING | 1U << TCP_LAST_ACK;

// sock_diag(7): a query for all TCP sockets of a family in kOrphanStates.
struct Request {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

bool ask(int fd, int family) {
  Request request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = static_cast<std::uint8_t>(family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = kOrphanStates;
  return ::send(fd, &request, sizeof request, 0) == sizeof request;
}

SocketAddress address_of(int family, const __be32* ip, __be16 port) {
  SocketAddress address;
  if (family == AF_INET) {
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = port, .sin_addr = {ip[0]}, .sin_zero = {}};
    address.length = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_port = port};
    std::memcpy(&v6.sin6_addr, ip, sizeof v6.sin6_addr);
    address.length = sizeof v6;
    std::memcpy(&address.storage, &v6, sizeof v6);
  }
  return address;
}

struct Orphan {
  SocketAddress server;
  SocketAddress peer;
};

// Adds the sockets of one packet on `port` to `found`. Returns false if it was the last packet.
bool collect(const char* at, std::size_t size, std::uint16_t port, std::vector<Orphan>& found) {
  nlmsghdr header;
  while (size >= sizeof header) {
    std::memcpy(&header, at, sizeof header);
    const bool is_data = header.nlmsg_type == SOCK_DIAG_BY_FAMILY;
    if (!is_data || header.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) return false;
    inet_diag_msg entry;
    std::memcpy(&entry, at + NLMSG_HDRLEN, sizeof entry);
    const inet_diag_sockid& id = entry.id;
    if (ntohs(id.idiag_sport) == port) {
      found.push_back({.server = address_of(entry.idiag_family, id.idiag_src, id.idiag_sport),
                       .peer = address_of(entry.idiag_family, id.idiag_dst, id.idiag_dport)});
    }
    const std::size_t step = NLMSG_ALIGN(header.nlmsg_len);
    if (step >= size) break;
    at += step;
    size -= step;
  }
  return true;
}

std::vector<Orphan> orphans_of(std::uint16_t port) {
  const UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  std::vector<Orphan> found;
  for (const int family : {AF_INET, AF_INET6}) {
    if (!fd.is_open() || !ask(fd.get(), family)) return {};
    std::array<char, 32 * 1024> packet;
    ssize_t got = 0;
    do {
      got = ::recv(fd.get(), packet.data(), packet.size(), 0);
    } while (got > 0 && collect(packet.data(), static_cast<std::size_t>(got), port, found));
  }
  return found;
}

// Ends the orphan if its peer no longer exists on this machine. The kernel then answers a
// connection attempt from the peer's address with a reset of the old connection (RFC 9293 §3.5.1).
// If the peer exists, its address cannot be bound.
void end_if_abandoned(const Orphan& orphan) {
  const UniqueFd fd(
      ::socket(orphan.peer.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!fd.is_open() || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), orphan.peer.get(), orphan.peer.length) != 0) {
    return;
  }
  reset_on_close(fd.get());
  ::connect(fd.get(), orphan.server.get(), orphan.server.length);
}

}  // namespace

std::size_t orphaned_connections(std::uint16_t port) {
  return orphans_of(port).size();
}

std::size_t end_abandoned_connections(std::uint16_t port) {
  const std::vector<Orphan> orphans = orphans_of(port);
  std::for_each(orphans.begin(), orphans.end(), end_if_abandoned);
  return orphans.size();
}

bool can_be_bound(const SocketAddress& address) {
  const UniqueFd fd(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.is_open() && ::bind(fd.get(), address.get(), address.length) == 0;
}

PortRelease::PortRelease(Loop& loop, std::vector<SocketAddress> addresses,
                         std::function<void()> on_released)
    : addresses_(std::move(addresses)),
      on_released_(std::move(on_released)),
      timer_(loop, [this] { look(); }) {}

void PortRelease::await(Backend::State state, std::uint64_t generation) {
  wait_.begin(state, generation, std::chrono::steady_clock::now());
  timer_.stop();  // cancels an earlier wait, so that on_released_ is called only once
  look();
}

void PortRelease::look() {
  const bool is_free = std::all_of(addresses_.begin(), addresses_.end(), can_be_bound) ||
                       end_abandoned_connections(addresses_.front().port()) == 0;
  if (is_free || wait_.is_over(std::chrono::steady_clock::now())) return on_released_();
  timer_.start(kLookAgainAfter);
}

}  // namespace hpp::supervisord
