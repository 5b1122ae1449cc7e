#include "common/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

#include "common/escape_sequence.h"

namespace hpp {
namespace {

// One UTF-8 character (RFC 3629), or one byte that is not UTF-8.
struct Character {
  std::size_t size = 1;
  char32_t code = 0;
  bool is_valid = false;
};

Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (byte(0) < 0x80) return {.size = 1, .code = byte(0), .is_valid = true};
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) return {};
  char32_t code = byte(0) & (0x7fU >> size);
  for (std::size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(at) & 0x3fU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || code > 0x10ffff || is_surrogate) return {};
  return {.size = size, .code = code, .is_valid = true};
}

bool is_safe(const Character& c) {
  const auto is_in = [&](char32_t first, char32_t last) {
    return c.code >= first && c.code <= last;
  };
  return c.is_valid && c.code >= 0x20 && !is_in(0x7f, 0x9f) && !is_in(0x2028, 0x202e) &&
         !is_in(0x2066, 0x2069);
}

class Lines {
 public:
  explicit Lines(Colours colours) : colours_(colours) {}

  // Adds a line. `line` does not include the newline.
  void add(std::string_view line) {
    while (line.ends_with('\r')) line.remove_suffix(1);
    const auto rewritten = line.rfind('\r');
    const std::size_t shown_from = rewritten == std::string_view::npos ? 0 : rewritten + 1;
    for (std::size_t at = 0; at < line.size();) {
      const std::string_view rest = line.substr(at);
      const std::size_t size =
          rest[0] == kEscape ? escape_sequence_size(rest) : first_character(rest).size;
      if (rest[0] == kEscape) {
        add_sequence(rest.substr(0, size));
      } else if (at >= shown_from) {
        const bool stays = rest[0] == '\t' || is_safe(first_character(rest));
        text_ += stays ? rest.substr(0, size) : "?";
      }
      at += size;
    }
  }

  void end_line() { text_ += '\n'; }

  std::string finish() && {
    if (is_coloured_) text_ += "\x1b[0m";
    return std::move(text_);
  }

 private:
  void add_sequence(std::string_view sequence) {
    const auto parameters = sgr_parameters(sequence);
    if (!parameters || colours_ == Colours::Remove) return;
    is_coloured_ = !parameters->empty() && *parameters != "0";
    text_ += sequence;
  }

  Colours colours_;
  std::string text_;
  bool is_coloured_ = false;
};

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Character c = first_character(text);
    shown += is_safe(c) ? text.substr(0, c.size) : "?";
    text.remove_prefix(c.size);
  }
  return shown;
}

std::string printable_lines(std::string_view text, Colours colours) {
  Lines lines(colours);
  while (!text.empty()) {
    const auto newline = text.find('\n');
    lines.add(text.substr(0, newline));
    if (newline == std::string_view::npos) break;
    lines.end_line();
    text.remove_prefix(newline + 1);
  }
  return std::move(lines).finish();
}

std::string printable_json(std::string_view json) {
  std::string shown;
  while (!json.empty()) {
    const Character c = first_character(json);
    const bool is_layout = c.is_valid && c.code < 0x20;
    if (is_layout || !c.is_valid || is_safe(c)) {
      shown += json.substr(0, c.size);
    } else {
      shown += fmt::format("\\u{:04x}", static_cast<unsigned>(c.code));
    }
    json.remove_prefix(c.size);
  }
  return shown;
}

std::string command_line(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::string files_changed(const std::string& first, std::uint64_t count) {
  const std::string shown = printable(first);
  if (count == 1) return shown + " changed";
  return fmt::format("{} and {} more changed", shown, count - 1);
}

}  // namespace hpp
