#include "supervisord/core/ready_line.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "common/errors/core/output_lines.h"

namespace hpp::supervisord {

void ReadyLine::begin() {
  out_ = err_ = LineSplitter();
}

bool ReadyLine::take(bus::OutputStream stream, std::string_view bytes) {
  assert(stream == bus::OutputStream::Stdout || stream == bus::OutputStream::Stderr);
  LineSplitter& lines = stream == bus::OutputStream::Stdout ? out_ : err_;
  const std::vector<std::string> complete = lines.take(bytes);
  return std::any_of(complete.begin(), complete.end(), [this](const std::string& line) {
    const std::vector<std::string> plain = errors::plain_lines(line);  // none for an empty line
    return regex_.matches(plain.empty() ? "" : plain.front());
  });
}

}  // namespace hpp::supervisord
