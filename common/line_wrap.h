// Pure. Breaks a text into lines that fit a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// Returns the lines of `text`, which must be printable (text.h). Each has at most `columns`
// characters, and ends before a blank; the blanks between two lines are left out. A longer word,
// such as a path, is not broken, so that it can be copied and clicked. Returns at least one line.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

}  // namespace hpp
