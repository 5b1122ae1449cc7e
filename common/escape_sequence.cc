#include "common/escape_sequence.h"

namespace hpp {
namespace {

constexpr char kBell = '\x07';

std::size_t skip(std::string_view text, std::size_t at, char first, char last) {
  while (at < text.size() && text[at] >= first && text[at] <= last) ++at;
  return at;
}

// The end of a string sequence, such as OSC or DCS: after BEL or ESC `\`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (; at < text.size(); ++at) {
    if (text[at] == kBell) return at + 1;
    if (text[at] == kEscape) return at + (text.substr(at + 1).starts_with('\\') ? 2 : 0);
  }
  return at;
}

// The index after the character at `last` if that may end a sequence, otherwise `last`.
std::size_t end_at(std::string_view text, std::size_t last, char first) {
  return last < text.size() && text[last] >= first && text[last] <= '~' ? last + 1 : last;
}

}  // namespace

std::size_t escape_sequence_size(std::string_view text) {
  if (text.size() < 2) return text.size();
  constexpr std::string_view kStrings = "]PX^_";
  if (kStrings.find(text[1]) != std::string_view::npos) return end_of_string(text, 2);
  if (text[1] != '[') return end_at(text, skip(text, 1, ' ', '/'), '0');
  const std::size_t end = skip(text, skip(text, 2, '0', '?'), ' ', '/');
  return end_at(text, end, '@');
}

std::optional<std::string_view> sgr_parameters(std::string_view sequence) {
  constexpr std::string_view kBegin = "\x1b[";
  if (!sequence.starts_with(kBegin) || !sequence.ends_with('m')) return std::nullopt;
  sequence.remove_prefix(kBegin.size());
  sequence.remove_suffix(1);
  if (sequence.find_first_not_of("0123456789:;") != std::string_view::npos) return std::nullopt;
  return sequence;
}

}  // namespace hpp
