#include "common/os/peer_sockets.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace hpp {
namespace {

struct Request {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

// Writes port and address in the format of the kernel's table. Returns false if it is not an IP
// socket.
bool copy_address(const sockaddr_storage& from, std::uint16_t& port, void* address) {
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    port = v4.sin_port;
    std::memcpy(address, &v4.sin_addr, sizeof v4.sin_addr);
  } else if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    port = v6.sin6_port;
    std::memcpy(address, &v6.sin6_addr, sizeof v6.sin6_addr);
  } else {
    return false;
  }
  return true;
}

// Writes the query for the socket whose peer is `fd`.
bool write_question(int fd, Request& request) {
  sockaddr_storage own{};
  sockaddr_storage peer{};
  socklen_t own_size = sizeof own;
  socklen_t peer_size = sizeof peer;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) return false;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return false;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = static_cast<std::uint8_t>(own.ss_family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0U;
  request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return copy_address(peer, request.body.id.idiag_sport, request.body.id.idiag_src) &&
         copy_address(own, request.body.id.idiag_dport, request.body.id.idiag_dst);
}

}  // namespace

PeerSockets::PeerSockets()
    : kernel_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}

bool PeerSockets::is_abandoned(int fd) {
  Request request;
  if (!write_question(fd, request)) return false;
  if (::send(kernel_.get(), &request, sizeof request, 0) != sizeof request) return false;
  // No wait is needed, because the kernel answers within send().
  std::array<char, 4096> packet;
  const ssize_t got = ::recv(kernel_.get(), packet.data(), packet.size(), MSG_DONTWAIT);
  if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg)))) return false;
  nlmsghdr header;
  inet_diag_msg entry;
  std::memcpy(&header, packet.data(), sizeof header);
  std::memcpy(&entry, packet.data() + NLMSG_HDRLEN, sizeof entry);
  // If the connection no longer exists, the answer describes the listening socket.
  const bool is_connection = header.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
                             entry.id.idiag_dport == request.body.id.idiag_dport;
  return is_connection && entry.idiag_state != TCP_ESTABLISHED && entry.idiag_inode == 0;
}

}  // namespace hpp
