// The log: records on stderr. Shells only; cores return values.
//
// A person reads `hpp  ready in 304 ms`: short lines with one prefix, which say what the person has
// to know. `hpp-supervisord: text` names the program: with --verbose or --debug, which also print
// records of Level::Detail, and if the program is a helper that runs without hpp-launch.
//
// Logging never blocks the program. If a stopped terminal or a full pipe does not accept a record,
// the record is queued in the log's outlet, up to a limit (os/outlet.h). A program with an event
// loop watches the outlet (event/outlet_watch.h), which writes queued records as soon as possible.
//
// If stderr is connected to systemd's journal, each line starts with its level, sd-daemon(3). On a
// terminal, lines are coloured, unless NO_COLOR is set (no-color.org) or TERM is `dumb`.
//
// The program's name, the level and the style are the only global state of the project: a log line
// may come from anywhere in a shell, and passing a logger everywhere would hide what matters in
// signatures.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>

#include "common/os/outlet.h"

namespace hpp::log {

// Detail: for --verbose. Debug: for --debug.
enum class Level { Error, Warning, Info, Detail, Debug };

enum class Colour { None, Red, Green, Yellow, Cyan };

enum class Style { Plain, Coloured, Journal };

// The first word of a record's text, printed in colour so that it is easy to spot: `Running`.
struct Headword {
  std::string_view word;
  Colour colour = Colour::None;
};

// The prefix of a short line. Its further lines are indented by as much.
constexpr std::string_view kPrefix = "hpp  ";
// No line on a terminal is longer than this, or than the terminal is wide.
constexpr std::size_t kColumnsMax = 80;

// An addition to a record's text, in a line of its own: what the person can do.
using Advice = std::string_view;

struct Format {
  Style style = Style::Plain;
  std::string_view program;  // the name that starts a line, `hpp-watchd`; empty: kPrefix
  std::size_t columns = 0;   // the text is wrapped at this width; 0: it is not wrapped
};

// Formats one record as printable text (text.h) with hpp's own colours. `text` begins with
// `headword`. A coloured line starts with a colour reset, because the backend may have been killed
// in the middle of a coloured line.
std::string line(const Format& format, Level level, std::string_view text, Headword headword = {},
                 Advice advice = {});

// Sets the program's name, and the finest level that is printed. Call once, from main. `program`
// must live as long as the process (a literal).
void start(const char* program, Level finest);

// Whether lines on stderr are coloured.
bool is_coloured();

// Whether a record of that level would be printed. Use it to skip work that only serves the log.
bool prints(Level level);

// Whether `fd` is connected to systemd's journal (JOURNAL_STREAM, systemd.exec(5)).
bool is_journal(int fd);

// How long an exiting program waits for stderr to accept its last records. This is part of the
// second within which hpp exits after Ctrl+C.
constexpr std::chrono::milliseconds kFinishTime{100};

// The outlet for stderr, which other processes write to as well.
Outlet& outlet();

// Call before the program exits: waits until stderr has accepted the queued records, or `patience`
// is over.
void finish(std::chrono::milliseconds patience = kFinishTime);

// Prints one record. Uses a single write(2) if stderr accepts it, so that the lines of several
// processes do not mix. If this process has left a line on stderr incomplete (the backend's
// output), ends that line first.
void write(Level level, std::string_view text, Headword headword = {}, Advice advice = {});

template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Warning, fmt::format(format, std::forward<Args>(args)...));
}

// Logs a finished warning: for callbacks that get a text.
inline void warning_text(const std::string& text) {
  write(Level::Warning, text);
}

template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Info, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void detail(fmt::format_string<Args...> format, Args&&... args) {
  if (prints(Level::Detail)) write(Level::Detail, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (prints(Level::Debug)) write(Level::Debug, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hpp::log
