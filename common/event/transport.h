// What carries the bytes of one stream to its peer: a plain socket, or a protocol above it.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <utility>

#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"

namespace hpp {

// Non-blocking. One virtual call stands for one system call or more, never for a byte. The stream
// asks the socket itself for what lies below any protocol: readiness, resets, errors.
class Transport {
 public:
  // Takes over a connected, non-blocking socket.
  explicit Transport(UniqueFd fd) : fd_(std::move(fd)) {}

  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  int fd() const { return fd_.get(); }

  // Like recv(2): 0 is the end of input; -1 sets errno, EAGAIN if nothing has come. Returns fewer
  // bytes than `size` only if it has returned all that has come, because the socket may not become
  // readable again for the rest.
  virtual ssize_t read(void* bytes, std::size_t size) = 0;

  // Like writev(2), without SIGPIPE: the number of bytes taken; -1 sets errno, EAGAIN if the socket
  // takes none. After EAGAIN the caller offers the same bytes again.
  virtual ssize_t write(const iovec* pieces, int count) = 0;

  // Ends the output. All of it has been written.
  virtual void shut_down() = 0;

  // What a read would find, as of now. Takes nothing.
  virtual Unread peek() = 0;

  // Whether the bytes of the stream are those of the socket, so that splice(2) can move them.
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
