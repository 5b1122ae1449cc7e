// Pure. Text that comes from elsewhere (file names, other users' command lines, what programs
// print), made safe to be shown. The functions leave nothing that a terminal obeys: control
// characters (C0, DEL, and C1, also as UTF-8), bytes that are not UTF-8 (a terminal may take them
// for C1), characters that reorder the text around them (bidirectional overrides and isolates), and
// line separators.
//
// They are applied where text leaves hpp, so that no message can miss them: log.cc, ctl/print.h,
// proxyd/core/http/own_answer.cc, and the messages about wrong options.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// Each such character or byte becomes `?`; a line stays one line.
std::string printable(std::string_view text);

// The same for several lines: LF and tab stay. Colours stay, too, and end with the text; other
// escape sequences are removed. If a carriage return starts a line again (progress bars), only its
// last version remains.
std::string printable_lines(std::string_view text);

// The same for JSON, in which such characters are within strings: they become `\u009b`. C0 is
// escaped already, and invalid UTF-8 replaced.
std::string printable_json(std::string_view json);

// `python3 app.py`: the words with a space between them, not quoted.
std::string command_line(const std::vector<std::string>& words);

// `src/a.py changed`, `src/a.py and 41 more changed`. `count`: of all files that changed, at
// least 1.
std::string files_changed(const std::string& first, std::uint64_t count);

}  // namespace hpp
