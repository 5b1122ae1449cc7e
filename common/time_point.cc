#include "common/time_point.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace hpp {

std::string duration_text(std::chrono::milliseconds duration) {
  struct Unit {
    std::int64_t ms;
    const char* name;
  };

  constexpr Unit kUnits[] = {
      {86'400'000, "days"}, {3'600'000, "h"}, {60'000, "min"}, {1000, "s"}, {1, "ms"}};
  const std::int64_t ms = duration.count();
  for (const Unit& unit : kUnits) {
    if (ms >= 2 * unit.ms) return fmt::format("{} {}", ms / unit.ms, unit.name);
  }
  return fmt::format("{} ms", std::max<std::int64_t>(ms, 0));
}

}  // namespace hpp
