// The log: one line per record on stderr, `hpp-watchd: text`. Shells only; cores return values.
//
// A record never blocks its program. What a stopped terminal or a pipe without a reader does not
// take waits in the log's outlet, up to a limit (os/outlet.h). A program with a loop watches that
// outlet (event/outlet_watch.h), so that it writes what waits when it can.
//
// Where stderr leads to systemd's journal, each line tells it the level, sd-daemon(3). On a
// terminal lines have colours, unless NO_COLOR is set (no-color.org) or TERM is `dumb`.
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

enum class Level { Error, Warning, Info, Debug };

enum class Colour { None, Red, Green, Yellow, Cyan };

enum class Style { Plain, Coloured, Journal };

// What a record's text begins with, and what is to be seen from afar: `Running`.
struct Headword {
  std::string_view word;
  Colour colour = Colour::None;
};

// The line of one record, made of printable text (text.h) and hpp's own colours. `headword` is what
// `text` begins with. Coloured, the line begins with a reset: the backend may have been killed in
// the middle of a coloured line of its own.
std::string line(Style style, std::string_view program, Level level, std::string_view text,
                 Headword headword = {});

// Names the program in front of each line and sets the finest level that is printed.
// Call once, from main. `program` must live as long as the process (a literal).
void start(const char* program, Level finest);

// Whether a record of that level would be printed: guards work that only serves the log.
bool prints(Level level);

// Whether `fd` is a stream to systemd's journal (JOURNAL_STREAM, systemd.exec(5)).
bool is_journal(int fd);

// How long a program that ends waits for stderr to take its last records. Part of the second within
// which Ctrl+C promises the end.
constexpr std::chrono::milliseconds kFinishTime{100};

// stderr, which is shared with other processes.
Outlet& outlet();

// For the end of a program: waits until stderr has taken what waits.
void finish(std::chrono::milliseconds patience = kFinishTime);

// Prints one record with one write(2), if stderr takes it, so that lines of several processes do
// not mix. If this process has begun a line on stderr (the backend's output), the record ends it.
void write(Level level, std::string_view text, Headword headword = {});

template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Warning, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Info, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (prints(Level::Debug)) write(Level::Debug, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hpp::log
