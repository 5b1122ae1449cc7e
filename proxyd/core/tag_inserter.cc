#include "proxyd/core/tag_inserter.h"

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
        continue;  // with this byte, which goes out as it came
    }
    content.remove_prefix(1);
  }
  out += content;
}

void TagInserter::finish(std::string& out) {
  if (is_in_) return;
  is_in_ = true;
  out += tag_;
  out += undecided_;
  undecided_.clear();
}

}  // namespace hpp::proxyd
