// Carries the bytes of one stream to its peer: through a plain socket, or a protocol on top of it.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <utility>

#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp {

// Non-blocking. Each virtual call makes at least one system call, so its cost does not matter. The
// stream uses the socket directly for readiness, resets and errors, which are below any protocol.
class Transport {
 public:
  // Takes ownership of a connected, non-blocking socket.
  explicit Transport(UniqueFd fd) : fd_(std::move(fd)) {}

  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  int fd() const { return fd_.get(); }

  // Like recv(2): returns 0 at the end of input, and -1 with errno on error, EAGAIN if no bytes
  // have come. May return fewer bytes than `size` only if it has returned all bytes that have come,
  // because the socket may not become readable again for the rest.
  virtual ssize_t read(void* bytes, std::size_t size) = 0;

  // Like writev(2), without SIGPIPE: returns the number of bytes taken, or -1 with errno, EAGAIN if
  // the socket takes none. After EAGAIN, the caller must offer the same bytes again.
  virtual ssize_t write(const iovec* pieces, int count) = 0;

  // Ends the output. The caller must have written all of it.
  virtual void shut_down() = 0;

  // Returns what a read would find now. Consumes nothing.
  virtual Unread peek() = 0;

  // Whether the stream's bytes are the socket's bytes, so that splice(2) can move them.
  virtual bool may_splice() const = 0;

 private:
  UniqueFd fd_;
};

class PlainSocket final : public Transport {
 public:
  using Transport::Transport;

  ssize_t read(void* bytes, std::size_t size) override;
  ssize_t write(const iovec* pieces, int count) override;
  void shut_down() override;
  Unread peek() override;

  bool may_splice() const override { return true; }
};

}  // namespace hpp
