// Pure. Reads `.watchmanconfig`, so that it means the same for every source, whether Watchman is
// installed or not. Source: https://facebook.github.io/watchman/docs/config
//
// Watchman reads the file from its root: the nearest folder upwards that has one. Its folder names
// are relative to that root, which may be above the project folder.
//
//   ignore_dirs   Nothing below these folders is watched.
//   ignore_vcs    Watchman looks at these folders without their subfolders, in order to notice
//                 version control's locks. hpp looks for git's lock itself (git_lock.h), so these
//                 folders are ignored like those of ignore_dirs.
//   settle        A change is reported after no file has changed for this many milliseconds.
//
// Other keys concern Watchman alone.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::watchd {

struct WatchmanConfig {
  // Folders relative to the project folder, sorted, without a slash at the end. The defaults are
  // Watchman's.
  std::vector<std::string> ignored{".git", ".hg", ".svn"};
  std::chrono::milliseconds settle{20};
  std::string problem;  // why a part of the file has no effect, in words for the user; empty: none

  bool operator==(const WatchmanConfig&) const = default;
};

// Reads the text of a file whose folder is the root. `below` is the path of the project folder
// relative to that root; empty: they are the same. A key with a wrong value keeps its default, and
// a text that is not JSON keeps all defaults. Never throws.
WatchmanConfig read_watchman_config(std::string_view text, std::string_view below);

}  // namespace hpp::watchd
