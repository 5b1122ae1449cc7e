#include "supervisord/core/line_splitter.h"

#include <algorithm>
#include <utility>

namespace hpp::supervisord {

std::vector<std::string> LineSplitter::take(std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::size_t room = kLineMax - rest_.size();
    const std::size_t size = std::min({newline, bytes.size(), room});
    rest_ += bytes.substr(0, size);
    bytes.remove_prefix(size);
    const bool is_complete = !bytes.empty() && bytes.front() == '\n';
    if (!is_complete && rest_.size() < kLineMax) break;
    if (is_complete) {
      bytes.remove_prefix(1);
      if (rest_.ends_with('\r')) rest_.pop_back();
    }
    lines.push_back(std::exchange(rest_, {}));
  }
  return lines;
}

std::optional<std::string> LineSplitter::finish() {
  if (rest_.empty()) return std::nullopt;
  return std::exchange(rest_, {});
}

}  // namespace hpp::supervisord
