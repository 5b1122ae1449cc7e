#include "proxyd/head_reader.h"

namespace hpp::proxyd {

bool find_request(Buffer& input) {
  while (!input.empty()) {
    // The CR and the LF can be in two pieces of the buffer.
    const std::string_view text = input.front().size() > 1 ? input.front() : input.pull_up(2);
    const std::size_t size = empty_lines_before_request(text);
    if (size == 0) return text != "\r";
    input.drain(size);
  }
  return false;
}

}  // namespace hpp::proxyd
