// Pure. Splits a program's output into lines without control sequences.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::errors {

constexpr std::size_t kOutputLineMax = 1000;  // bytes of a line that are kept

// Returns one text for each line of the output, so that an index is the line's number, from 0.
// Removes escape sequences, other control characters except tab, and white space at the end. If
// carriage returns overwrite a line, only its last version is kept.
std::vector<std::string> plain_lines(std::string_view output);

// The line without spaces and tabs at its beginning. A view of `line`.
std::string_view unindented(std::string_view line);

// The number of spaces and tabs at the beginning of the line.
std::size_t indentation(std::string_view line);

}  // namespace hpp::errors
