// The log: one line per record on stderr, `hpp-watchd: text`. Shells only; cores return values.
//
// Where stderr leads to systemd's journal, each line tells it the level, sd-daemon(3).
//
// The program's name and the level are the only global state of the project: a log line may come
// from anywhere in a shell, and passing a logger everywhere would hide what matters in signatures.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace hpp::log {

enum class Level { Error, Warning, Info, Debug };

// Names the program in front of each line and sets the finest level that is printed.
// Call once, from main. `program` must live as long as the process (a literal).
void start(const char* program, Level finest);

// Whether a record of that level would be printed: guards work that only serves the log.
bool prints(Level level);

// Whether `fd` is a stream to systemd's journal (JOURNAL_STREAM, systemd.exec(5)).
bool is_journal(int fd);

// Prints one record with one write(2), so that lines of several processes do not mix.
void write(Level level, std::string_view text);

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
