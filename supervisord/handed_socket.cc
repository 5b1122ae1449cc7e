#include "supervisord/handed_socket.h"

#include <fcntl.h>

#include <utility>

namespace hpp::supervisord {

int HandedSocket::prepare() {
  if (!fd_.is_open()) fd_ = std::move(listen_on({address_}).front());
  const int flags = ::fcntl(fd_.get(), F_GETFL);
  ::fcntl(fd_.get(), F_SETFL, flags & ~O_NONBLOCK);
  return fd_.get();
}

}  // namespace hpp::supervisord
