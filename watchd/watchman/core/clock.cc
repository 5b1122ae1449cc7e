#include "watchd/watchman/core/clock.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace hpp::watchd::watchman {
namespace {

struct Clock {
  std::string_view of_what;
  std::uint64_t tick = 0;
};

std::optional<Clock> read_clock(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Clock clock{.of_what = text.substr(0, colon)};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, clock.tick);
  if (error != std::errc() || at != end) return std::nullopt;
  return clock;
}

}  // namespace

bool is_known(std::string_view clock, std::string_view known) {
  const auto one = read_clock(clock);
  const auto other = read_clock(known);
  return one && other && one->of_what == other->of_what && one->tick <= other->tick;
}

}  // namespace hpp::watchd::watchman
