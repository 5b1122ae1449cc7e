#include "common/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace hpp::log {
namespace {

const char* program_name = "hpp";
Level finest_level = Level::Info;
bool tells_journal = false;

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

}  // namespace

bool is_journal(int fd) {
  const char* const journal = std::getenv("JOURNAL_STREAM");

  struct stat info {};

  if (journal == nullptr || ::fstat(fd, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == journal;
}

void start(const char* program, Level finest) {
  tells_journal = is_journal(STDERR_FILENO);
  program_name = program;
  finest_level = finest;
}

bool prints(Level level) {
  return level <= finest_level;
}

void write(Level level, std::string_view text) {
  if (!prints(level)) return;
  const std::string priority = tells_journal ? fmt::format("<{}>", syslog_priority(level)) : "";
  const std::string line = fmt::format("{}{}: {}{}\n", priority, program_name, mark(level), text);
  // A log that cannot be written has nowhere to say so.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace hpp::log
