#include "common/event/transport.h"

#include <sys/socket.h>

namespace hpp {

ssize_t PlainSocket::read(void* bytes, std::size_t size) {
  return ::recv(fd(), bytes, size, 0);
}

// Uses send(2) for one piece, otherwise sendmsg(2). For a socket, both are cheaper than writev(2).
ssize_t PlainSocket::write(const iovec* pieces, int count) {
  if (count == 1) return ::send(fd(), pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<std::size_t>(count);
  return ::sendmsg(fd(), &message, MSG_NOSIGNAL);
}

void PlainSocket::shut_down() {
  ::shutdown(fd(), SHUT_WR);
}

Unread PlainSocket::peek() {
  return look_at_unread(fd());
}

}  // namespace hpp
