// Pure. The clock of all watched directories (TreeState::clock): for each directory, up to which
// change its source has reported.
//
// It is the clock of the project folder, followed by a line for each other part of the watched
// files that has a clock: a digest of the part's name, the id of its directory
// (common/os/directory_id.h), and the part's clock. So with a single part, the clock is the part's.
// A clock begins with the name of its source. Watchman makes its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpp {

constexpr std::string_view kWatchmanClock = "c:";
constexpr std::string_view kInotifyClock = "inotify:";
constexpr std::string_view kPollClock = "poll:";

struct PartClock {
  std::string part;       // digest of its name
  std::string directory;  // id of its directory
  std::string clock;

  bool operator==(const PartClock&) const = default;
};

struct TreeClock {
  std::string first;  // clock of the project folder; empty: not known
  std::vector<PartClock> others;

  bool operator==(const TreeClock&) const = default;
};

TreeClock parse_tree_clock(std::string_view text);
std::string to_string(const TreeClock& clock);

// The kind of source that reports the changes of a directory.
enum class WatchSource { Unknown, Watchman, Inotify, Poll };

// The source that has made the clock of a single directory.
WatchSource source_of(std::string_view clock);

}  // namespace hpp
