#include "common/event/buffer.h"

#include <event2/buffer.h>

#include <cassert>

namespace hpp {
namespace {

// Up to this size, bytes are copied, not moved. Then a small body is contiguous with the head
// before it, and is written together with it.
constexpr std::size_t kCopiedMax = 1024;

// libevent calls fail only without memory, which ends the program (memory.h), or because of a bug
// here.
void must([[maybe_unused]] bool done) {
  assert(done);
}

}  // namespace

void EvbufferDeleter::operator()(evbuffer* b) const {
  evbuffer_free(b);
}

std::size_t Buffer::size() const {
  return buffer_ ? evbuffer_get_length(buffer_.get()) : 0;
}

std::string_view Buffer::front() const {
  if (!buffer_) return {};
  evbuffer_iovec piece{};
  if (evbuffer_peek(buffer_.get(), -1, nullptr, &piece, 1) < 1) return {};
  return {static_cast<const char*>(piece.iov_base), piece.iov_len};
}

std::string_view Buffer::pull_up(std::size_t n) {
  n = std::min(n, size());
  if (n == 0) return {};
  const unsigned char* bytes = evbuffer_pullup(buffer_.get(), static_cast<ev_ssize_t>(n));
  must(bytes != nullptr);
  return {reinterpret_cast<const char*>(bytes), n};
}

void Buffer::release() {
  assert(empty());
  buffer_.reset();
}

void Buffer::drain(std::size_t n) {
  assert(n <= size());
  if (n > 0) must(evbuffer_drain(buffer_.get(), n) == 0);
}

void Buffer::append(std::string_view bytes) {
  must(evbuffer_add(get(), bytes.data(), bytes.size()) == 0);
}

void Buffer::move_to(Buffer& to, std::size_t n) {
  assert(n <= size());
  if (n == 0) return;
  if (n <= kCopiedMax) {
    to.append(pull_up(n));
    return drain(n);
  }
  if (n == size()) {
    must(evbuffer_add_buffer(to.get(), buffer_.get()) == 0);
  } else {
    must(evbuffer_remove_buffer(buffer_.get(), to.get(), n) == static_cast<int>(n));
  }
}

evbuffer* Buffer::get() {
  if (!buffer_) buffer_.reset(evbuffer_new());
  return buffer_.get();
}

}  // namespace hpp
