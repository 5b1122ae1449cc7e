#include "common/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "common/line_wrap.h"
#include "common/os/launch_tree.h"
#include "common/os/terminal.h"
#include "common/text.h"

namespace hpp::log {
namespace {

// On a narrower terminal, the terminal itself wraps the lines.
constexpr std::size_t kColumnsMin = 40;

const char* program_name = "hpp";
Level finest_level = Level::Info;
Style own_style = Style::Plain;
bool names_itself = false;  // even in short lines

const char* mark(Level level) {
  switch (level) {
    case Level::Error:
      return "error: ";
    case Level::Warning:
      return "warning: ";
    case Level::Info:
    case Level::Detail:
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
    case Level::Detail:
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
    case Level::Detail:
      return kNormal;
    case Level::Debug:
      return kFaint;
  }
  return kNormal;
}

std::string with(const char* attributes, std::string_view text) {
  return text.empty() ? std::string() : fmt::format("\033[{}m{}\033[0m", attributes, text);
}

// `hpp  ` or `hpp-watchd: `
std::string prefix(const Format& format) {
  const bool is_coloured = format.style == Style::Coloured;
  if (format.program.empty()) {
    return is_coloured ? fmt::format("\033[0;1;36mhpp\033[0m  ") : std::string(kPrefix);
  }
  return is_coloured ? fmt::format("\033[0;2m{}:\033[0m ", format.program)
                     : fmt::format("{}: ", format.program);
}

std::string indent(const Format& format) {
  return std::string(kPrefix.size(), ' ')
      .insert(0, format.style == Style::Coloured ? "\033[0m" : "");
}

// Colours a line of text that begins with `marked` bytes of the level's mark, and then the
// headword. Both may be cut off.
std::string coloured(Level level, std::string_view text, std::size_t marked, Headword headword) {
  const auto take = [&text](std::size_t size) {
    const std::string_view taken = text.substr(0, size);
    text.remove_prefix(taken.size());
    return taken;
  };
  std::string shown = with(attributes(level), take(marked));
  if (level == Level::Debug) return shown + with(kFaint, text);
  shown += with(attributes(headword.colour), take(headword.word.size()));
  return shown += text;
}

// The width at which lines on stderr are wrapped.
std::size_t columns() {
  const std::size_t width = terminal_columns(STDERR_FILENO);
  return width == 0 ? 0 : std::clamp(width, kColumnsMin, kColumnsMax);
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

std::string line(const Format& format, Level level, std::string_view text, Headword headword,
                 Advice advice) {
  const bool is_coloured = format.style == Style::Coloured;
  const std::string priority =
      format.style == Style::Journal ? fmt::format("<{}>", syslog_priority(level)) : "";
  const std::size_t width =
      format.columns > kPrefix.size() ? format.columns - kPrefix.size() : std::string::npos;
  const std::string_view marked = mark(level);
  std::string shown = priority + prefix(format);
  bool is_first = true;
  for (std::string& piece : wrapped(fmt::format("{}{}", marked, printable(text)), width)) {
    if (!is_first) shown += indent(format);
    if (is_coloured)
      piece =
          coloured(level, piece, is_first ? marked.size() : 0, is_first ? headword : Headword{});
    shown += piece + '\n';
    is_first = false;
  }
  if (advice.empty()) return shown;
  for (const std::string& piece : wrapped(printable(advice), width)) {
    shown += priority + indent(format) + (is_coloured ? with(kFaint, piece) : piece) + '\n';
  }
  return shown;
}

void start(const char* program, Level finest) {
  program_name = program;
  finest_level = finest;
  own_style = style_of(STDERR_FILENO);
  // The user of a helper that runs alone has started it by this name.
  names_itself = program != std::string_view("hpp-launch") && std::getenv(kHelperTag) == nullptr;
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

bool is_coloured() {
  return own_style == Style::Coloured;
}

void write(Level level, std::string_view text, Headword headword, Advice advice) {
  if (!prints(level)) return;
  // hpp-ctl, which prints only warnings, names itself as other commands do.
  const bool is_short = finest_level == Level::Info && own_style != Style::Journal && !names_itself;
  const Format format{.style = own_style,
                      .program = is_short ? "" : program_name,
                      .columns = is_short ? columns() : 0};
  outlet().write_line(line(format, level, text, headword, advice));
}

}  // namespace hpp::log
