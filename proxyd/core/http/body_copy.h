// Pure. A copy of a body that passes, up to a limit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace hpp::proxyd {

constexpr std::size_t kBodyKept = 64 * 1024;  // bytes of a body, with its framing

class BodyCopy {
 public:
  void clear() {
    text_.clear();
    is_whole_ = true;
  }

  void add(std::string_view bytes) {
    if (!is_whole_) return;
    if (text_.size() + bytes.size() > kBodyKept) return leave_out();
    make_room(text_.size() + bytes.size());
    text_.append(bytes);
  }

  // Bytes that are not in the text have passed.
  void leave_out() {
    is_whole_ = false;
    text_.clear();
  }

  const std::string& text() const { return text_; }

  // Whether the text has all bytes that have passed.
  bool is_whole() const { return is_whole_; }

 private:
  // The text would take up to twice as much memory if it grew by itself.
  void make_room(std::size_t size) {
    if (size <= text_.capacity()) return;
    std::string larger;
    larger.reserve(std::min(kBodyKept, std::max(size, 2 * text_.capacity())));
    larger.append(text_);
    text_.swap(larger);
  }

  std::string text_;
  bool is_whole_ = true;
};

}  // namespace hpp::proxyd
