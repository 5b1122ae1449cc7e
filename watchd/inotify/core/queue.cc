#include "watchd/inotify/core/queue.h"

#include <fmt/format.h>

#include "common/read_number.h"
#include "common/tree_clock.h"

namespace hpp::watchd::inotify {

std::string to_text(const Clock& clock) {
  return fmt::format("{}{}:{}", kInotifyClock, clock.token, clock.position);
}

std::optional<Clock> read_clock(std::string_view text) {
  if (!text.starts_with(kInotifyClock)) return std::nullopt;
  text.remove_prefix(kInotifyClock.size());
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  const auto position = read_number<decltype(Clock::position)>(text.substr(colon + 1));
  if (!position) return std::nullopt;
  return Clock{.token = std::string(text.substr(0, colon)), .position = *position};
}

}  // namespace hpp::watchd::inotify
