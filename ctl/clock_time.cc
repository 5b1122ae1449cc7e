#include "ctl/clock_time.h"

#include <fmt/format.h>

#include <ctime>

namespace hpp::ctl {

std::string clock_time(std::int64_t at_ms) {
  const auto seconds = static_cast<std::time_t>(at_ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", parts.tm_hour, parts.tm_min, parts.tm_sec,
                     at_ms % 1000);
}

}  // namespace hpp::ctl
