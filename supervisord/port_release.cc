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

// Adds the sockets of one packet on `port` to `found`. Returns false if it was the last packet.
bool count(const char* at, std::size_t size, std::uint16_t port, std::size_t& found) {
  nlmsghdr header;
  while (size >= sizeof header) {
    std::memcpy(&header, at, sizeof header);
    const bool is_data = header.nlmsg_type == SOCK_DIAG_BY_FAMILY;
    if (!is_data || header.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) return false;
    inet_diag_msg entry;
    std::memcpy(&entry, at + NLMSG_HDRLEN, sizeof entry);
    if (ntohs(entry.id.idiag_sport) == port) ++found;
    const std::size_t step = NLMSG_ALIGN(header.nlmsg_len);
    if (step >= size) break;
    at += step;
    size -= step;
  }
  return true;
}

}  // namespace

std::size_t orphaned_connections(std::uint16_t port) {
  const UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  std::size_t found = 0;
  for (const int family : {AF_INET, AF_INET6}) {
    if (!fd.is_open() || !ask(fd.get(), family)) return 0;
    std::array<char, 32 * 1024> packet;
    ssize_t got = 0;
    do {
      got = ::recv(fd.get(), packet.data(), packet.size(), 0);
    } while (got > 0 && count(packet.data(), static_cast<std::size_t>(got), port, found));
  }
  return found;
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

bool PortRelease::is_free() const {
  return std::all_of(addresses_.begin(), addresses_.end(), can_be_bound) ||
         orphaned_connections(addresses_.front().port()) == 0;
}

void PortRelease::look() {
  if (wait_.is_over(std::chrono::steady_clock::now()) || is_free()) return on_released_();
  timer_.start(kLookAgainAfter);
}

}  // namespace hpp::supervisord
