#include "common/errors/core/output_lines.h"

#include <algorithm>

#include "common/escape_sequence.h"
#include "common/take_until.h"

namespace hpp::errors {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string plain_line(std::string_view line) {
  std::string plain;
  while (!line.empty() && plain.size() < kOutputLineMax) {
    const char c = line.front();
    if (c == kEscape) {
      line.remove_prefix(escape_sequence_size(line));
      continue;
    }
    line.remove_prefix(1);
    if (c == '\r' && line.find_first_not_of('\r') != std::string_view::npos) plain.clear();
    const auto code = static_cast<unsigned char>(c);
    if (c == '\t' || (code >= 0x20 && code != 0x7f)) plain += c;
  }
  plain.resize(plain.find_last_not_of(kBlanks) + 1);
  return plain;
}

}  // namespace

std::vector<std::string> plain_lines(std::string_view output) {
  std::vector<std::string> lines;
  while (!output.empty()) lines.push_back(plain_line(take_until('\n', output)));
  return lines;
}

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(kBlanks), line.size());
}

std::string_view unindented(std::string_view line) {
  return line.substr(indentation(line));
}

}  // namespace hpp::errors
