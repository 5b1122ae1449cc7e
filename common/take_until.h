// Pure. Splits a text at a character, piece by piece.
#pragma once

#include <algorithm>
#include <string_view>

namespace hpp {

// Cuts off the text up to the first `end`, and that character itself, and returns the piece before
// it. Takes the whole text if it has no `end`.
inline std::string_view take_until(char end, std::string_view& text) {
  const std::string_view piece = text.substr(0, text.find(end));
  text.remove_prefix(std::min(piece.size() + 1, text.size()));
  return piece;
}

}  // namespace hpp
