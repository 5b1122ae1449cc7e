#include "common/output_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hpp {

void OutputQueue::push(std::string_view bytes) {
  text_ += bytes;
  if (size() > limit_) drop_oldest();
}

// Drops an extra quarter of the limit, so that a queue that stays full does not drop on each
// push().
void OutputQueue::drop_oldest() {
  if (note_size_ != 0) {
    text_.erase(begin_, note_size_);
    dropped_ += note_dropped_;
    note_size_ = 0;
  }
  const std::size_t kept_max = limit_ - limit_ / 4;
  const std::size_t cut = text_.size() - std::min(size(), kept_max);
  const std::size_t newline = text_.find('\n', cut - 1);
  const std::size_t end = newline == std::string::npos ? cut : newline + 1;
  const auto first = text_.begin() + static_cast<std::ptrdiff_t>(begin_);
  const auto last = text_.begin() + static_cast<std::ptrdiff_t>(end);
  dropped_ += static_cast<std::size_t>(std::count(first, last, '\n'));
  if (newline == std::string::npos)
    ++dropped_;  // counts the cut part of a very long line as a line
  text_.erase(0, end);
  begin_ = 0;
}

std::string_view OutputQueue::next() {
  if (dropped_ != 0) {
    const std::string note =
        fmt::format("{}hpp: {} lines were dropped here, because the output was not read\n",
                    is_mid_line_ ? "\n" : "", dropped_);
    text_.insert(begin_, note);
    note_size_ = note.size();
    note_dropped_ = std::exchange(dropped_, 0);
  }
  return std::string_view(text_).substr(begin_);
}

void OutputQueue::pop(std::size_t size) {
  if (size == 0) return;
  note_size_ = 0;
  begin_ += size;
  is_mid_line_ = text_[begin_ - 1] != '\n';
  if (begin_ < text_.size() / 2) return;
  text_.erase(0, begin_);
  begin_ = 0;
}

}  // namespace hpp
