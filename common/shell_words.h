// Pure. Splits a command line into words like a shell, and quotes words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// Splits `command` into words, by the shell's rules for blanks, quotes and backslashes (POSIX Shell
// Command Language, 2.2). Nothing is expanded and no shell is run. Throws std::invalid_argument
// with the reason if the command is malformed, or if it would need a shell (`$HOME`, `*.py`, `|`, a
// leading `NAME=value`).
std::vector<std::string> shell_words(std::string_view command);

// The inverse: quotes one word for a shell, if necessary.
std::string shell_word(std::string_view word);

}  // namespace hpp
