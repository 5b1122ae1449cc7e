// Pure. A command in one string, as one types it at a prompt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// The words of `command`, by the shell's rules of blanks, quotes and backslashes (POSIX Shell
// Command Language, 2.2). Nothing is expanded and no shell is run: what would need one (`$HOME`,
// `*.py`, `|`, `NAME=value` in front) is refused rather than passed on as it stands.
// Throws std::invalid_argument saying what is wrong.
std::vector<std::string> shell_words(std::string_view command);

// The other way: one word as it has to be typed, in quotes if it needs them.
std::string shell_word(std::string_view word);

}  // namespace hpp
