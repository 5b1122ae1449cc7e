#include "proxyd/core/pages/output_lines.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/json_text.h"
#include "proxyd/core/pages/ansi.h"

namespace hpp::proxyd {

void OutputLines::take(std::string_view bytes) {
  for (;;) {
    const auto end = bytes.find('\n');
    rest_ += bytes.substr(0, end);
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (auto record = bus::read_record(std::exchange(rest_, {}))) {
      bytes_ += record->text.size();
      lines_.push_back(std::move(*record));
      ++newest_;
      drop_old();
    }
  }
}

void OutputLines::drop_old() {
  while (lines_.size() > kOutputLinesKept || bytes_ > kOutputBytesKept) {
    bytes_ -= lines_.front().text.size();
    lines_.pop_front();
  }
}

std::string OutputLines::json_after(std::uint64_t after) const {
  using Json = nlohmann::json;
  Json lines = Json::array();
  std::uint64_t number = newest_ - lines_.size();
  for (const bus::OutputRecord& line : lines_) {
    if (++number <= after) continue;
    lines.push_back({{"at_ms", line.at_ms},
                     {"generation", line.generation},
                     {"stream", bus::to_string(line.stream)},
                     {"html", ansi_to_html(line.text)}});
  }
  return json_text(Json{{"newest", newest_}, {"lines", std::move(lines)}});
}

}  // namespace hpp::proxyd
