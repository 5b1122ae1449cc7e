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

ChosenSource choose_for_root(std::string_view watcher, const FolderMounts& mounts,
                             const Filter& filter) {
  ChosenSource source{.kind = Kind::Watchman, .folder = {}, .filter = filter, .why = {}};
  if (watcher == kWatcherPoll) {
    source.kind = Kind::Poll;
    source.why = "polling, as --watcher says";
  } else if (is_silent(mounts.type)) {
    const bool polls = watcher == kWatcherAuto;
    if (polls) source.kind = Kind::Poll;
    source.why = (polls ? "polling: " : "using Watchman, although ") + silence_of(mounts.type);
  }
  return source;
}

}  // namespace

std::vector<ChosenSource> choose_sources(std::string_view watcher, const FolderMounts& mounts,
                                         const Filter& filter,
                                         std::span<const std::string> ignored) {
  std::vector<ChosenSource> sources{choose_for_root(watcher, mounts, filter)};
  if (watcher != kWatcherAuto) return sources;
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

ChosenSource choose_source(std::string_view watcher, const FolderMounts& mounts,
                           const Filter& filter, std::span<const std::string> ignored) {
  const auto sources = choose_sources(watcher, mounts, filter, ignored);
  if (sources.size() == 1) return sources.front();
  return {.kind = Kind::Poll, .folder = {}, .filter = filter, .why = sources[1].why};
}

}  // namespace hpp::watchd
