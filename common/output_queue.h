// Pure. Output for a destination that takes none at the moment: a terminal that was stopped with
// Ctrl+S, or a pipe without a reader.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hpp {

// Bytes in the order in which they were pushed. If more than the limit would wait, the oldest lines
// are dropped, because the newest say what is true now. A line takes their place that says how many
// they were.
class OutputQueue {
 public:
  explicit OutputQueue(std::size_t limit) : limit_(limit) {}

  bool is_empty() const { return begin_ == text_.size() && dropped_ == 0; }

  void push(std::string_view bytes);

  // All that waits. Valid until the next call of a method.
  std::string_view next();

  // The first `size` bytes of next() are written.
  void pop(std::size_t size);

 private:
  std::size_t size() const { return text_.size() - begin_; }

  void drop_oldest();

  std::size_t limit_;  // bytes
  std::string text_;
  std::size_t begin_ = 0;         // of what waits: the part of `text_` before it is written
  bool is_mid_line_ = false;      // the last byte that was written is not the end of a line
  std::size_t dropped_ = 0;       // lines that no note tells of yet
  std::size_t note_size_ = 0;     // bytes of the note at `begin_`; 0: none, or partly written
  std::size_t note_dropped_ = 0;  // the lines that it tells of
};

}  // namespace hpp
