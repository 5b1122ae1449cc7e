// Pure. Selects records of the output log, and formats them for the user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hpp::ctl {

struct LogSelection {
  std::optional<std::uint64_t> generation;  // only this generation's
  std::int64_t since_ms = 0;                // only records of this time or later
};

class LogView {
 public:
  enum class Format { Text, Json };

  // Formats a time, in milliseconds since the Unix epoch, for Format::Text.
  using ClockTime = std::function<std::string(std::int64_t at_ms)>;

  LogView(LogSelection selection, Format format, ClockTime clock_time);

  // Takes the next bytes of the log, and returns the lines to print. Keeps an incomplete record for
  // the next call, and passes over a line that is not a record. In JSON, the text has no colours.
  std::string take(std::string_view bytes);

 private:
  std::string show(std::string_view line) const;

  LogSelection selection_;
  Format format_;
  ClockTime clock_time_;
  std::string rest_;
};

// Returns the last `count` lines of `text`, whose last line ends with a newline; all if it has
// fewer.
std::string_view last_lines(std::string_view text, std::size_t count);

}  // namespace hpp::ctl
