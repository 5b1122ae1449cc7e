#include "watchd/watchman/core/clock.h"

#include <cstdint>
#include <optional>

#include "common/read_number.h"

namespace hpp::watchd::watchman {
namespace {

struct Clock {
  std::string_view of_what;
  std::uint64_t tick = 0;
};

std::optional<Clock> read_clock(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto tick = read_number<std::uint64_t>(text.substr(colon + 1));
  if (!tick) return std::nullopt;
  return Clock{.of_what = text.substr(0, colon), .tick = *tick};
}

}  // namespace

bool is_known(std::string_view clock, std::string_view known) {
  const auto one = read_clock(clock);
  const auto other = read_clock(known);
  return one && other && one->of_what == other->of_what && one->tick <= other->tick;
}

}  // namespace hpp::watchd::watchman
