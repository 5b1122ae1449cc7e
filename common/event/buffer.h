// Bytes on their way from one descriptor to another: an evbuffer, which moves whole chains between
// buffers without copying.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

struct evbuffer;

namespace hpp {

struct EvbufferDeleter {
  void operator()(evbuffer* b) const;
};

class Buffer {
 public:
  std::size_t size() const;

  bool empty() const { return size() == 0; }

  // The bytes at the front that lie in one piece, without moving any. Valid until the next change.
  std::string_view front() const;

  // The first min(n, size()) bytes in one piece, copied together if need be. Valid until the next
  // change.
  std::string_view pull_up(std::size_t n);

  // Gives back the memory of an empty buffer; it can be used again. For connections that may be
  // idle for long.
  void release();

  // Forgets the first n bytes, which must be there.
  void drain(std::size_t n);

  void append(std::string_view bytes);

  // Moves the first n bytes, which must be there, to the end of `to`.
  void move_to(Buffer& to, std::size_t n);

  evbuffer* get();

 private:
  std::unique_ptr<evbuffer, EvbufferDeleter> buffer_;  // nullptr: never used, or released
};

}  // namespace hpp
