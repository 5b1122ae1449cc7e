// Pure. Text that comes from elsewhere, made fit to be shown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hpp {

// Control characters become `?`: a file's name may hold what a terminal obeys, and a line of the
// log stays one line.
std::string printable(std::string text);

// `python3 app.py`: the words with a space between them, not quoted.
std::string command_line(const std::vector<std::string>& words);

// `src/a.py changed`, `src/a.py and 41 more changed`. `count`: of all files that changed, at
// least 1.
std::string files_changed(const std::string& first, std::uint64_t count);

}  // namespace hpp
