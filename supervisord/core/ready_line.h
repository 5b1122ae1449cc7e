// Pure. Finds the line of the backend's output that announces that it is ready (--ready line).
#pragma once

#include <string>
#include <string_view>

#include "common/bus/output_record.h"
#include "common/line_regex.h"
#include "supervisord/core/line_splitter.h"

namespace hpp::supervisord {

class ReadyLine {
 public:
  // Throws std::invalid_argument, as LineRegex does.
  explicit ReadyLine(const std::string& regex) : regex_(regex) {}

  // The output of another generation begins.
  void begin();

  // Whether a line that `bytes` completes matches, without its control sequences, white space at
  // its end, and what is beyond errors::kOutputLineMax bytes. `stream` is the backend's stdout or
  // stderr.
  bool take(bus::OutputStream stream, std::string_view bytes);

 private:
  LineRegex regex_;
  LineSplitter out_;
  LineSplitter err_;
};

}  // namespace hpp::supervisord
