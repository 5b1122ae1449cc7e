#include "common/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "common/os/terminal.h"
#include "common/text.h"

namespace hpp::log {
namespace {

const char* program_name = "hpp";
Level finest_level = Level::Info;
Style own_style = Style::Plain;

const char* mark(Level level) {
  switch (level) {
    case Level::Error:
      return "error: ";
    case Level::Warning:
      return "warning: ";
    case Level::Info:
      return "";
    case Level::Debug:
      return "debug: ";
  }
  return "";
}

int syslog_priority(Level level) {
  switch (level) {
    case Level::Error:
      return LOG_ERR;
    case Level::Warning:
      return LOG_WARNING;
    case Level::Info:
      return LOG_INFO;
    case Level::Debug:
      return LOG_DEBUG;
  }
  return LOG_INFO;
}

// SGR parameters, ECMA-48 §8.3.117.
constexpr const char* kFaint = "2";
constexpr const char* kNormal = "0";

const char* attributes(Colour colour) {
  switch (colour) {
    case Colour::None:
      return kNormal;
    case Colour::Red:
      return "1;31";
    case Colour::Green:
      return "1;32";
    case Colour::Yellow:
      return "1;33";
    case Colour::Cyan:
      return "1;36";
  }
  return kNormal;
}

const char* attributes(Level level) {
  switch (level) {
    case Level::Error:
      return attributes(Colour::Red);
    case Level::Warning:
      return attributes(Colour::Yellow);
    case Level::Info:
      return kNormal;
    case Level::Debug:
      return kFaint;
  }
  return kNormal;
}

std::string with(const char* attributes, std::string_view text) {
  return text.empty() ? std::string() : fmt::format("\033[{}m{}\033[0m", attributes, text);
}

Style style_of(int fd) {
  if (is_journal(fd)) return Style::Journal;
  const char* const no_color = std::getenv("NO_COLOR");
  const bool is_refused = no_color != nullptr && *no_color != '\0';
  return is_able_terminal(fd) && !is_refused ? Style::Coloured : Style::Plain;
}

}  // namespace

bool is_journal(int fd) {
  const char* const journal = std::getenv("JOURNAL_STREAM");

  struct stat info {};

  if (journal == nullptr || ::fstat(fd, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == journal;
}

std::string line(Style style, std::string_view program, Level level, std::string_view text,
                 Headword headword) {
  const std::string word = printable(text.substr(0, headword.word.size()));
  const std::string rest = printable(text.substr(headword.word.size()));
  if (style != Style::Coloured) {
    const std::string priority =
        style == Style::Journal ? fmt::format("<{}>", syslog_priority(level)) : "";
    return fmt::format("{}{}: {}{}{}\n", priority, program, mark(level), word, rest);
  }
  const std::string shown = with(attributes(level), mark(level));
  const bool is_faint = level == Level::Debug;
  return fmt::format("\033[0;2m{}:\033[0m {}{}{}\n", program, shown,
                     with(is_faint ? kFaint : attributes(headword.colour), word),
                     is_faint ? with(kFaint, rest) : rest);
}

void start(const char* program, Level finest) {
  program_name = program;
  finest_level = finest;
  own_style = style_of(STDERR_FILENO);
}

Outlet& outlet() {
  static Outlet outlet(STDERR_FILENO);
  return outlet;
}

void finish(std::chrono::milliseconds patience) {
  outlet().finish(patience);
}

bool prints(Level level) {
  return level <= finest_level;
}

void write(Level level, std::string_view text, Headword headword) {
  if (!prints(level)) return;
  outlet().write_line(line(own_style, program_name, level, text, headword));
}

}  // namespace hpp::log
