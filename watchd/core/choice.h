// Pure. Decides which source watches which files (--watcher).
//
// One source watches a root, apart from the silent mounts below it (mounts.h), which are polled:
//
//     --watcher    root's file system    source      the log says so because
//     auto         reports changes       watchman    (no line: the usual case)
//     auto         reports changes       inotify     Watchman is not installed
//     auto         silent                poll        saves are seen later
//     watchman     reports changes       watchman    (no line)
//     watchman     silent                watchman    some changes are not seen
//     inotify      reports changes       inotify     inotify is not the usual source
//     inotify      silent                inotify     some changes are not seen
//     poll         any                   poll        saves are seen later
//
// Watchman has inotify as its standby if it was not chosen by --watcher (patience.h). If inotify
// cannot watch a part, because the system's limit of watches is reached, the part is polled.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/mounts.h"
#include "watchd/core/filter.h"

namespace hpp::watchd {

// The values of --watcher.
constexpr std::string_view kWatcherAuto = "auto";
constexpr std::string_view kWatcherWatchman = "watchman";
constexpr std::string_view kWatcherInotify = "inotify";
constexpr std::string_view kWatcherPoll = "poll";

struct ChosenSource {
  enum class Kind { Watchman, Inotify, Poll };

  Kind kind = Kind::Watchman;
  std::string folder;             // relative to the root, with a slash at the end; empty: the root
  Filter filter;                  // for names relative to the root
  std::optional<Kind> standby{};  // takes the place of the source while that fails
  std::string why;                // the choice in words for the user; empty: it needs no words

  bool operator==(const ChosenSource&) const = default;
};

// Whether every change that the source will ever report comes from a queue of inotify.
bool is_queue_alone(const ChosenSource& source);

// Returns what such a source does, in words for the user: `using inotify`.
std::string_view words_for(ChosenSource::Kind kind);

// Returns the sources for a root, first the one for the root itself. A silent mount gets a source
// if a file in it may count.
std::vector<ChosenSource> choose_sources(std::string_view watcher, bool is_watchman_installed,
                                         const FolderMounts& mounts, const Filter& filter,
                                         std::span<const std::string> ignored);

// Returns the only source for the target of a symbolic link. If a silent mount below the target
// gets a source above, the whole target is polled.
ChosenSource choose_source(std::string_view watcher, bool is_watchman_installed,
                           const FolderMounts& mounts, const Filter& filter,
                           std::span<const std::string> ignored);

// Returns the source that takes the place of this one if it cannot watch (Lost::is_final).
ChosenSource next_source(ChosenSource source);

}  // namespace hpp::watchd
