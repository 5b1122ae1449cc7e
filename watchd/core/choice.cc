#include "watchd/core/choice.h"

#include <fmt/format.h>

#include "common/glob.h"
#include "watchd/core/scope.h"

namespace hpp::watchd {
namespace {

using Kind = ChosenSource::Kind;

std::string silence_of(std::string_view type) {
  return fmt::format("the file system ({}) does not report changes that are made elsewhere", type);
}

Kind choose_kind(std::string_view watcher, bool is_watchman_installed, bool is_silent) {
  if (watcher == kWatcherPoll) return Kind::Poll;
  if (watcher == kWatcherInotify) return Kind::Inotify;
  if (watcher == kWatcherWatchman) return Kind::Watchman;
  if (is_silent) return Kind::Poll;
  return is_watchman_installed ? Kind::Watchman : Kind::Inotify;
}

// Watchman on a file system that reports changes is the usual case.
std::string reason_for(Kind kind, std::string_view watcher, const FolderMounts& mounts) {
  const std::string_view use = words_for(kind);
  if (watcher == kWatcherPoll) return fmt::format("{}, as --watcher says", use);
  if (is_silent(mounts.type)) {
    const std::string_view link = watcher == kWatcherAuto ? ": " : ", although ";
    return fmt::format("{}{}{}", use, link, silence_of(mounts.type));
  }
  if (kind == Kind::Watchman) return "";
  const bool is_forced = watcher == kWatcherInotify;
  return fmt::format("{}, {}", use,
                     is_forced ? "as --watcher says" : "because Watchman is not installed");
}

}  // namespace

bool is_queue_alone(const ChosenSource& source) {
  return source.kind == ChosenSource::Kind::Inotify && !source.standby;
}

std::string_view words_for(Kind kind) {
  switch (kind) {
    case Kind::Watchman:
      return "using Watchman";
    case Kind::Inotify:
      return "using inotify";
    case Kind::Poll:
      break;
  }
  return "polling";
}

std::vector<ChosenSource> choose_sources(std::string_view watcher, bool is_watchman_installed,
                                         const FolderMounts& mounts, const Filter& filter,
                                         std::span<const std::string> ignored) {
  const Kind kind = choose_kind(watcher, is_watchman_installed, is_silent(mounts.type));
  std::vector<ChosenSource> sources{
      {.kind = kind, .folder = {}, .filter = filter, .why = reason_for(kind, watcher, mounts)}};
  if (watcher != kWatcherAuto) return sources;
  if (kind == Kind::Watchman) sources.front().standby = Kind::Inotify;
  const Scope scope(filter, ignored);
  for (const Mount& mount : mounts.silent) {
    if (!scope.holds_files(mount.point)) continue;
    sources.front().filter.excludes.push_back(glob_of(mount.point) + "/**");
    sources.push_back({.kind = Kind::Poll,
                       .folder = mount.point + '/',
                       .filter = filter,
                       .why = fmt::format("polling {}: {}", mount.point, silence_of(mount.type))});
  }
  return sources;
}

ChosenSource choose_source(std::string_view watcher, bool is_watchman_installed,
                           const FolderMounts& mounts, const Filter& filter,
                           std::span<const std::string> ignored) {
  const auto sources = choose_sources(watcher, is_watchman_installed, mounts, filter, ignored);
  if (sources.size() == 1) return sources.front();
  return {.kind = Kind::Poll, .folder = {}, .filter = filter, .why = sources[1].why};
}

ChosenSource next_source(ChosenSource source) {
  (source.standby ? *source.standby : source.kind) = Kind::Poll;
  source.why = "polling, because inotify cannot watch all folders";
  return source;
}

}  // namespace hpp::watchd
