#include "proxyd/core/pages/ansi.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/escape_sequence.h"

namespace hpp::proxyd {
namespace {

// The number of one of the terminal's 16 colours, or kRgb | 0xRRGGBB.
using Colour = std::int32_t;
constexpr Colour kDefault = -1;
constexpr Colour kRgb = 0x1000000;

struct Style {
  Colour text = kDefault;
  Colour back = kDefault;
  bool bold = false;
  bool dim = false;
  bool italic = false;
  bool underlined = false;
  bool struck = false;
  bool reversed = false;

  bool operator==(const Style&) const = default;
};

// xterm's 256 colours: the terminal's 16, a cube of 6×6×6, and 24 greys.
Colour indexed(int index) {
  if (index < 0 || index > 255) return kDefault;
  if (index < 16) return index;
  if (index >= 232) return kRgb | (8 + 10 * (index - 232)) * 0x010101;
  const auto level = [](int step) { return step == 0 ? 0 : 55 + 40 * step; };
  const int cell = index - 16;
  return kRgb | level(cell / 36) << 16 | level(cell / 6 % 6) << 8 | level(cell % 6);
}

// ---- SGR sequences ------------------------------------------------------------------------------

// One parameter of `1;38:2::255:0:0`, with its subparameters; -1: an empty subparameter.
using Parameter = std::vector<int>;

Parameter read_parameter(std::string_view text) {
  Parameter numbers;
  for (;;) {
    const auto colon = text.find(':');
    const std::string_view digits = text.substr(0, colon);
    int number = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    numbers.push_back(number);
    if (colon == std::string_view::npos) return numbers;
    text.remove_prefix(colon + 1);
  }
}

std::vector<Parameter> read_parameter_list(std::string_view text) {
  std::vector<Parameter> all;
  for (;;) {
    const auto semicolon = text.find(';');
    all.push_back(read_parameter(text.substr(0, semicolon)));
    if (semicolon == std::string_view::npos) return all;
    text.remove_prefix(semicolon + 1);
  }
}

// `numbers`: 5 and an index; or 2, red, green and blue.
Colour read_colour(const std::vector<int>& numbers) {
  if (numbers.size() >= 2 && numbers[0] == 5) return indexed(numbers[1]);
  if (numbers.size() < 4 || numbers[0] != 2) return kDefault;
  Colour colour = 0;
  for (std::size_t i = 1; i < 4; ++i) colour = colour << 8 | std::clamp(numbers[i], 0, 255);
  return kRgb | colour;
}

// Reads the colour of a 38 or 48. It is in subparameters, where a true colour may have one more
// (the colour space), or in the next parameters. Moves `at` to the last parameter read.
Colour take_colour(const std::vector<Parameter>& all, std::size_t& at) {
  Parameter numbers(all[at].begin() + 1, all[at].end());
  if (!numbers.empty()) {
    if (numbers[0] == 2 && numbers.size() >= 5) numbers.erase(numbers.begin() + 1);
    return read_colour(numbers);
  }
  const std::size_t first = at + 1;
  const std::size_t wanted = first < all.size() && all[first][0] == 2 ? 4 : 2;
  const std::size_t last = std::min(first + wanted, all.size());
  for (std::size_t i = first; i < last; ++i) numbers.push_back(all[i][0]);
  at = last - 1;
  return read_colour(numbers);
}

// The codes that set one flag.
struct Look {
  int code;
  bool Style::*flag;
  bool value;
};

constexpr Look kLooks[] = {
    {1, &Style::bold, true},       {2, &Style::dim, true},          {3, &Style::italic, true},
    {4, &Style::underlined, true}, {21, &Style::underlined, true},  {7, &Style::reversed, true},
    {9, &Style::struck, true},     {22, &Style::bold, false},       {22, &Style::dim, false},
    {23, &Style::italic, false},   {24, &Style::underlined, false}, {27, &Style::reversed, false},
    {29, &Style::struck, false}};

void apply_look(int code, Style& style) {
  for (const Look& look : kLooks) {
    if (look.code == code) style.*look.flag = look.value;
  }
}

void apply(std::string_view parameters, Style& style) {
  const auto all = read_parameter_list(parameters);
  for (std::size_t at = 0; at < all.size(); ++at) {
    const int code = all[at][0];
    const auto is_in = [code](int first, int last) { return code >= first && code <= last; };
    if (code <= 0) style = {};
    if (is_in(30, 37)) style.text = code - 30;
    if (is_in(90, 97)) style.text = code - 90 + 8;
    if (is_in(40, 47)) style.back = code - 40;
    if (is_in(100, 107)) style.back = code - 100 + 8;
    if (code == 38) style.text = take_colour(all, at);
    if (code == 48) style.back = take_colour(all, at);
    if (code == 58) take_colour(all, at);  // the underline's colour, which is ignored
    if (code == 39) style.text = kDefault;
    if (code == 49) style.back = kDefault;
    const bool is_no_line = code == 4 && all[at].size() > 1 && all[at][1] == 0;
    apply_look(is_no_line ? 24 : code, style);
  }
}

// Applies the escape sequence at the front of `text` to `style`. Returns the sequence's length.
std::size_t take_sequence(std::string_view text, Style& style) {
  const std::size_t size = escape_sequence_size(text);
  if (const auto parameters = sgr_parameters(text.substr(0, size))) apply(*parameters, style);
  return size;
}

// ---- HTML ---------------------------------------------------------------------------------------

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
  }
}

std::string opening_tag(Style style) {
  const bool is_plain = style.text == kDefault && style.back == kDefault;
  if (style.reversed) std::swap(style.text, style.back);
  std::string classes;
  std::string looks;
  const auto add = [&](bool wanted, std::string_view name) {
    if (wanted) classes += fmt::format("{}{}", classes.empty() ? "" : " ", name);
  };
  const auto colour = [&](Colour value, char letter, std::string_view property) {
    if ((value & kRgb) != 0 && value > 0) {
      looks += fmt::format("{}:#{:06x};", property, value & ~kRgb);
    } else {
      add(value >= 0, fmt::format("{}{}", letter, value));
    }
  };
  add(style.bold, "b");
  add(style.dim, "d");
  add(style.italic, "i");
  add(style.underlined, "u");
  add(style.struck, "s");
  add(style.reversed && is_plain, "r");
  colour(style.text, 'f', "color");
  colour(style.back, 'k', "background");
  std::string tag = "<span";
  if (!classes.empty()) tag += fmt::format(" class=\"{}\"", classes);
  if (!looks.empty()) tag += fmt::format(" style=\"{}\"", looks);
  return tag + '>';
}

class HtmlLines {
 public:
  // `line`: a line without its line end.
  void add_line(std::string_view line) {
    while (line.ends_with('\r')) line.remove_suffix(1);
    const auto rewritten = line.rfind('\r');
    const std::size_t shown_from = rewritten == std::string_view::npos ? 0 : rewritten + 1;
    for (std::size_t at = 0; at < line.size();) {
      const char c = line[at];
      if (c == kEscape) {
        at += take_sequence(line.substr(at), style_);
        continue;
      }
      const bool is_control = (c >= '\0' && c < ' ' && c != '\t') || c == '\x7f';
      if (at >= shown_from && !is_control) add(c);
      ++at;
    }
  }

  void end_line() { html_ += '\n'; }

  std::string finish() && {
    set({});
    return std::move(html_);
  }

 private:
  void add(char c) {
    set(style_);
    append_escaped(html_, c);
  }

  void set(const Style& style) {
    if (style == shown_) return;
    if (shown_ != Style{}) html_ += "</span>";
    if (style != Style{}) html_ += opening_tag(style);
    shown_ = style;
  }

  Style style_;  // the style of the next character
  Style shown_;  // the style of the open span
  std::string html_;
};

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string html;
  for (const char c : text) append_escaped(html, c);
  return html;
}

std::string ansi_to_html(std::string_view text) {
  HtmlLines lines;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    lines.add_line(text.substr(0, newline));
    if (newline == std::string_view::npos) break;
    lines.end_line();
    text.remove_prefix(newline + 1);
  }
  return std::move(lines).finish();
}

}  // namespace hpp::proxyd
