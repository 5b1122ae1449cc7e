// Pure. Keeps the newest lines of the output log (common/bus/output_record.h) for `/__hpp/`, which
// asks for the lines after the last one that it has.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "common/bus/output_record.h"

namespace hpp::proxyd {

constexpr std::size_t kOutputLinesKept = 2000;
constexpr std::size_t kOutputBytesKept = 512 * 1024;  // bytes of the texts in all lines

class OutputLines {
 public:
  // Takes the next bytes of the log. Keeps an incomplete record for the next call, and passes over
  // a line that is not a record.
  void take(std::string_view bytes);

  // Returns the lines with higher numbers than `after`, as JSON. The first line has the number 1.
  // `html`: the text with its colours as HTML.
  std::string json_after(std::uint64_t after) const;

 private:
  void drop_old();

  std::string rest_;  // an incomplete record
  std::deque<bus::OutputRecord> lines_;
  std::size_t bytes_ = 0;     // size of the texts in lines_
  std::uint64_t newest_ = 0;  // number of the last line
};

}  // namespace hpp::proxyd
