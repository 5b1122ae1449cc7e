#include "common/os/unix_socket.h"

#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/os/error.h"

namespace hpp {
namespace {

UniqueFd open_socket(int type) {
  return UniqueFd(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

std::optional<SocketAddress> unix_address(const std::string& path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.size() >= sizeof un.sun_path) return std::nullopt;
  std::memcpy(un.sun_path, path.data(), path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &un, sizeof un);
  address.length = sizeof un;
  return address;
}

UniqueFd bind_unix_socket(const std::string& path, int type) {
  const auto address = unix_address(path);
  if (!address) throw_errno("cannot listen on " + path, ENAMETOOLONG);
  ::unlink(path.c_str());
  UniqueFd fd = open_socket(type);
  if (!fd.is_open() || ::bind(fd.get(), address->get(), address->length) != 0) {
    throw_errno("cannot listen on " + path);
  }
  return fd;
}

UniqueFd connect_unix_socket(const std::string& path, int type) {
  const auto address = unix_address(path);
  if (!address) {
    errno = ENAMETOOLONG;
    return {};
  }
  UniqueFd fd = open_socket(type);
  if (!fd.is_open() || ::connect(fd.get(), address->get(), address->length) == 0) return fd;
  const int error = errno;
  fd.reset();
  errno = error;
  return fd;
}

bool is_peer_this_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

}  // namespace hpp
