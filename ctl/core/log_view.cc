#include "ctl/core/log_view.h"

#include <fmt/format.h>

#include <utility>

#include "common/bus/output_record.h"
#include "common/text.h"

namespace hpp::ctl {

LogView::LogView(LogSelection selection, Format format, ClockTime clock_time)
    : selection_(selection), format_(format), clock_time_(std::move(clock_time)) {}

std::string LogView::take(std::string_view bytes) {
  rest_ += bytes;
  std::string shown;
  std::string_view left = rest_;
  for (auto end = left.find('\n'); end != std::string_view::npos; end = left.find('\n')) {
    shown += show(left.substr(0, end));
    left.remove_prefix(end + 1);
  }
  rest_.erase(0, rest_.size() - left.size());
  return shown;
}

std::string LogView::show(std::string_view line) const {
  auto record = bus::read_record(line);
  if (!record || record->at_ms < selection_.since_ms) return "";
  if (selection_.generation && record->generation != *selection_.generation) return "";
  if (format_ == Format::Json) {
    record->text = printable_lines(record->text, Colours::Remove);
    return bus::write_record(*record);
  }
  return fmt::format("{} #{} {:<6} {}\n", clock_time_(record->at_ms), record->generation,
                     bus::to_string(record->stream), record->text);
}

std::string_view last_lines(std::string_view text, std::size_t count) {
  std::size_t begin = text.size();
  for (; begin != 0 && count != 0; --count) {
    const auto newline = begin < 2 ? std::string_view::npos : text.rfind('\n', begin - 2);
    begin = newline == std::string_view::npos ? 0 : newline + 1;
  }
  return text.substr(begin);
}

}  // namespace hpp::ctl
