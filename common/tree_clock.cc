#include "common/tree_clock.h"

#include <fmt/format.h>

#include "common/take_until.h"

namespace hpp {

TreeClock parse_tree_clock(std::string_view text) {
  TreeClock clock{.first = std::string(take_until('\n', text)), .others = {}};
  while (!text.empty()) {
    std::string_view line = take_until('\n', text);
    const std::string_view part = take_until(' ', line);
    const std::string_view directory = take_until(' ', line);
    clock.others.push_back({std::string(part), std::string(directory), std::string(line)});
  }
  return clock;
}

std::string to_string(const TreeClock& clock) {
  std::string text = clock.first;
  for (const auto& [part, directory, of_part] : clock.others) {
    text += fmt::format("\n{} {} {}", part, directory, of_part);
  }
  return text;
}

WatchSource source_of(std::string_view clock) {
  if (clock.starts_with(kWatchmanClock)) return WatchSource::Watchman;
  if (clock.starts_with(kInotifyClock)) return WatchSource::Inotify;
  return clock.starts_with(kPollClock) ? WatchSource::Poll : WatchSource::Unknown;
}

}  // namespace hpp
