// Pure. Parses terminal control sequences: finds where one ends and whether it only sets colours.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hpp {

constexpr char kEscape = '\x1b';

// The length of the sequence at the start of `text`, which begins with ESC. The length of `text` if
// the sequence is incomplete (ECMA-48 §5.4, §5.6; ECMA-35 §13.2).
std::size_t escape_sequence_size(std::string_view text);

// The parameters of a sequence that sets colours and other attributes (SGR, ECMA-48 §8.3.117):
// digits, `;` and `:`. Returns nothing for any other sequence.
std::optional<std::string_view> sgr_parameters(std::string_view sequence);

}  // namespace hpp
