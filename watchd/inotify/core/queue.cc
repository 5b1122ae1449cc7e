#include "watchd/inotify/core/queue.h"

#include <fmt/format.h>

#include <charconv>

namespace hpp::watchd::inotify {
namespace {

constexpr std::string_view kPrefix = "inotify:";

}  // namespace

std::string to_text(const Clock& clock) {
  return fmt::format("{}{}:{}", kPrefix, clock.token, clock.position);
}

std::optional<Clock> read_clock(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  Clock clock{.token = std::string(text.substr(0, colon))};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, clock.position);
  if (error != std::errc() || at != end) return std::nullopt;
  return clock;
}

}  // namespace hpp::watchd::inotify
