// Pure. Queues output while its destination does not accept any: a terminal that was stopped with
// Ctrl+S, or a pipe that is not read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hpp {

// A queue of bytes. If its size would exceed the limit, the oldest lines are dropped, because the
// newest describe the current state. A note with the number of dropped lines replaces them.
class OutputQueue {
 public:
  explicit OutputQueue(std::size_t limit) : limit_(limit) {}

  bool is_empty() const { return begin_ == text_.size() && dropped_ == 0; }

  void push(std::string_view bytes);

  // Returns all queued bytes, with the note if lines were dropped. Valid until the next call of a
  // method.
  std::string_view next();

  // Removes the first `size` bytes of next(), because they were written.
  void pop(std::size_t size);

 private:
  std::size_t size() const { return text_.size() - begin_; }

  void drop_oldest();

  std::size_t limit_;  // bytes
  std::string text_;
  std::size_t begin_ = 0;         // start of the queue in `text_`; the bytes before are written
  bool is_mid_line_ = false;      // the last byte written was not a newline
  std::size_t dropped_ = 0;       // dropped lines that no note counts yet
  std::size_t note_size_ = 0;     // size of the note at `begin_`; 0: none, or partly written
  std::size_t note_dropped_ = 0;  // dropped lines that this note counts
};

}  // namespace hpp
