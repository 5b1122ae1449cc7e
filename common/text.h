// Pure. Makes untrusted text (file names, other users' command lines, program output) safe to
// print. The functions remove everything that a terminal interprets: control characters (C0, DEL,
// and C1, also as UTF-8), bytes that are not UTF-8 (a terminal may take them for C1), characters
// that reorder the text around them (bidirectional overrides and isolates), and line separators.
//
// They are called where text leaves hpp, so that no message can bypass them: in log.cc,
// ctl/print.h, proxyd/core/http/own_answer.cc, and for messages about wrong options.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hpp {

// Replaces each such character or byte by `?`. The result is one line.
std::string printable(std::string_view text);

// Whether text keeps the escape sequences that set colours.
enum class Colours { Keep, Remove };

// Like printable(), for several lines: LF and tab stay. If colours are kept, the text ends with a
// reset of them; other escape sequences are removed. If carriage returns overwrite a line (progress
// bars), only its last version is kept.
std::string printable_lines(std::string_view text, Colours colours = Colours::Keep);

// Like printable(), for JSON: escapes such characters, which only occur within strings, as
// `\u009b`. The caller's JSON library has already escaped C0 and replaced invalid UTF-8.
std::string printable_json(std::string_view json);

// Joins the words with spaces, without quotes: `python3 app.py`.
std::string command_line(const std::vector<std::string>& words);

// Returns `src/a.py changed` or `src/a.py and 41 more changed`. `count` is the number of all
// changed files, at least 1.
std::string files_changed(const std::string& first, std::uint64_t count);

}  // namespace hpp
