#include "watchd/say.h"

#include "common/log.h"

namespace hpp::watchd {
namespace {

log::Level log_level(Say::Level level) {
  switch (level) {
    case Say::Level::Warning:
      return log::Level::Warning;
    case Say::Level::Info:
      return log::Level::Info;
    case Say::Level::Detail:
      return log::Level::Detail;
    case Say::Level::Debug:
      return log::Level::Debug;
  }
  return log::Level::Error;
}

}  // namespace

void say(const Say& line) {
  const log::Level level = log_level(line.level);
  if (log::prints(level)) log::write(level, line.text);
}

}  // namespace hpp::watchd
