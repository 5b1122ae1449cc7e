// Pure. The control sequences that terminals obey: where one ends, and whether it only colours.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hpp {

constexpr char kEscape = '\x1b';

// The length of the sequence at the front of `text`, which begins with ESC; all of `text` if its
// end is not there (ECMA-48 §5.4, §5.6; ECMA-35 §13.2).
std::size_t escape_sequence_size(std::string_view text);

// The parameters of a sequence that sets colours and other looks (SGR, ECMA-48 §8.3.117):
// digits, `;` and `:`. Nothing if it does something else.
std::optional<std::string_view> sgr_parameters(std::string_view sequence);

}  // namespace hpp
