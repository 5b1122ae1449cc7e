// Pure. Reads a decimal number.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace hpp {

// Returns the number that the whole text is. Nothing: the text is empty, has any other character,
// or T cannot hold the number. Only a signed T takes a minus sign; no T takes a plus sign or white
// space.
template <class T>
std::optional<T> read_number(std::string_view text) {
  T number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end ? std::optional<T>(number) : std::nullopt;
}

}  // namespace hpp
