// Pure. Reads a decimal number.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace hpp {

// Returns the number that the text consists of. Returns nothing if the text is empty or contains
// any other character, or if T cannot hold the number. A minus sign is accepted if T is signed; a
// plus sign and white space are not.
template <class T>
std::optional<T> read_number(std::string_view text) {
  T number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end ? std::optional<T>(number) : std::nullopt;
}

}  // namespace hpp
