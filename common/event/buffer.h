// A queue of bytes that can move them to another queue without copying: libevent's evbuffer.
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

  // Returns the first bytes as far as they are contiguous. Copies nothing. Valid until the next
  // change.
  std::string_view front() const;

  // Returns the first min(n, size()) bytes; makes them contiguous by copying if necessary. Valid
  // until the next change.
  std::string_view pull_up(std::size_t n);

  // Frees the memory of the buffer, which must be empty and can be used again. For connections that
  // may be idle for long.
  void release();

  // Removes the first n bytes; n must not exceed size().
  void drain(std::size_t n);

  void append(std::string_view bytes);

  // Moves the first n bytes to the end of `to`; n must not exceed size().
  void move_to(Buffer& to, std::size_t n);

  evbuffer* get();

 private:
  std::unique_ptr<evbuffer, EvbufferDeleter> buffer_;  // nullptr: never used, or released
};

}  // namespace hpp
