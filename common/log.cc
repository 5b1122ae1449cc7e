#include "common/log.h"

#include <unistd.h>

#include <string>

namespace hpp::log {
namespace {

const char* program_name = "hpp";
Level finest_level = Level::Info;

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

}  // namespace

void start(const char* program, Level finest) {
  program_name = program;
  finest_level = finest;
}

bool prints(Level level) {
  return level <= finest_level;
}

void write(Level level, std::string_view text) {
  if (!prints(level)) return;
  const std::string line = fmt::format("{}: {}{}\n", program_name, mark(level), text);
  // A log that cannot be written has nowhere to say so.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace hpp::log
