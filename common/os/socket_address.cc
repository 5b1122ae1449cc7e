#include "common/os/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "common/os/error.h"

namespace hpp {
namespace {

SocketAddress make_v4(in_addr_t ip, std::uint16_t port) {
  SocketAddress result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  v4->sin_family = AF_INET;
  v4->sin_addr.s_addr = htonl(ip);
  v4->sin_port = htons(port);
  result.length = sizeof *v4;
  return result;
}

SocketAddress make_v6(const in6_addr& ip, std::uint16_t port) {
  SocketAddress result;
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  v6->sin6_family = AF_INET6;
  v6->sin6_addr = ip;
  v6->sin6_port = htons(port);
  result.length = sizeof *v6;
  return result;
}

bool is_missing_family(int error) {
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

UniqueFd listen_on_one(const SocketAddress& address) {
  UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const std::string attempt = "listen on " + address.text();
  if (!fd.is_open()) throw_errno(attempt);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(fd.get(), address.get(), address.length) != 0) throw_errno(attempt);
  if (::listen(fd.get(), SOMAXCONN) != 0) throw_errno(attempt);
  return fd;
}

}  // namespace

std::string SocketAddress::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, text,
                sizeof text);
  } else if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text);
    } else {
      ::inet_ntop(AF_INET6, &v6, text, sizeof text);
    }
  }
  return text;
}

std::string SocketAddress::text() const {
  return to_string(Address{.host = ip(), .port = port()});
}

std::uint16_t SocketAddress::port() const {
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

bool SocketAddress::is_loopback() const {
  if (storage.ss_family == AF_INET) {
    const auto ip = ntohl(reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr);
    return (ip >> 24) == IN_LOOPBACKNET;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == IN_LOOPBACKNET;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

std::vector<SocketAddress> resolve(const Address& address) {
  if (address.host == "localhost") {
    return {make_v4(INADDR_LOOPBACK, address.port), make_v6(in6addr_loopback, address.port)};
  }
  if (address.host == "*") {
    return {make_v4(INADDR_ANY, address.port), make_v6(in6addr_any, address.port)};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) {
    throw std::runtime_error(
        fmt::format("cannot find the host '{}': {}", address.host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  std::vector<SocketAddress> result;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    SocketAddress one;
    std::memcpy(&one.storage, entry->ai_addr, entry->ai_addrlen);
    one.length = entry->ai_addrlen;
    const auto same = [&](const SocketAddress& other) { return other.text() == one.text(); };
    if (std::none_of(result.begin(), result.end(), same)) result.push_back(one);
  }
  return result;
}

std::vector<UniqueFd> listen_on(const std::vector<SocketAddress>& addresses) {
  std::vector<UniqueFd> result;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    try {
      result.push_back(listen_on_one(addresses[i]));
    } catch (const std::system_error& error) {
      const bool others_remain = !result.empty() || i + 1 < addresses.size();
      if (!is_missing_family(error.code().value()) || !others_remain) throw;
    }
  }
  return result;
}

ConnectAttempt start_connect(const SocketAddress& address) {
  ConnectAttempt result;
  result.fd.reset(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!result.fd.is_open()) return {.fd = {}, .error = errno};
  const int on = 1;
  ::setsockopt(result.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(result.fd.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
    return {.fd = {}, .error = errno};
  }
  return result;
}

bool is_listening(int fd) {
  const auto option = [fd](int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  return option(SO_ACCEPTCONN) == 1 && option(SO_TYPE) == SOCK_STREAM;
}

SocketAddress local_address(int fd) {
  SocketAddress address{.length = sizeof(sockaddr_storage)};
  if (::getsockname(fd, address.get(), &address.length) != 0) {
    throw_errno("cannot read the address of a socket");
  }
  return address;
}

Unread look_at_unread(int fd) {
  char byte = 0;
  const ssize_t got = ::recv(fd, &byte, 1, MSG_PEEK);
  if (got > 0) return Unread::Bytes;
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Unread::Nothing : Unread::End;
}

void reset_on_close(int fd, bool wanted) {
  const linger how{.l_onoff = wanted ? 1 : 0, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &how, sizeof how);
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return error;
  // A program that repeatedly connects to an ephemeral port without a listener will sooner or later
  // get this port as its own local port. The socket is then connected to itself.
  SocketAddress own{.length = sizeof(sockaddr_storage)};
  SocketAddress peer{.length = sizeof(sockaddr_storage)};
  if (::getsockname(fd, own.get(), &own.length) != 0) return errno;
  if (::getpeername(fd, peer.get(), &peer.length) != 0) return errno;
  return own.text() == peer.text() ? ECONNREFUSED : 0;
}

}  // namespace hpp
