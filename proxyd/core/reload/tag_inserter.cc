#include "proxyd/core/reload/tag_inserter.h"

#include <cassert>
#include <utility>

namespace hpp::proxyd {

void TagInserter::feed(std::string_view content, std::string& out) {
  while (!is_in_ && !content.empty()) {
    switch (prefix_.next(content.front())) {
      case HtmlPrefix::Step::Part:
        out += undecided_;
        undecided_.clear();
        out += content.front();
        break;
      case HtmlPrefix::Step::Undecided:
        undecided_ += content.front();
        break;
      case HtmlPrefix::Step::Behind:
        finish(out);
        continue;  // this byte is now appended unchanged, below
      case HtmlPrefix::Step::Utf16:
        undecided_ += content.front();
        out += std::exchange(undecided_, {});
        become_utf16(content.front());
        finish(out);
        break;
    }
    content.remove_prefix(1);
  }
  out += content;
}

void TagInserter::become_utf16(char last_of_mark) {
  assert(tag_.size() % 2 == 0);
  is_utf16_ = true;
  const bool is_big_endian = last_of_mark == '\xff';
  for (std::size_t i = 0; i < tag_.size(); ++i)
    tag_[i] = (i % 2 == 1) == is_big_endian ? ' ' : '\0';
}

void TagInserter::finish(std::string& out) {
  if (is_in_) return;
  is_in_ = true;
  out += tag_;
  out += undecided_;
  undecided_.clear();
}

}  // namespace hpp::proxyd
