#include "watchd/inotify/events.h"

#include <sys/inotify.h>

#include <cstring>
#include <optional>

namespace hpp::watchd::inotify {
namespace {

using Is = QueueEvent::Is;

std::optional<Is> meaning_of(std::uint32_t mask, bool has_name) {
  if ((mask & IN_Q_OVERFLOW) != 0) return Is::Overflowed;
  if ((mask & IN_IGNORED) != 0) return Is::Ended;
  if (!has_name) return std::nullopt;  // an event of the watched directory itself
  if ((mask & IN_ISDIR) == 0) return (mask & IN_MODIFY) != 0 ? Is::Written : Is::Touched;
  if ((mask & IN_CREATE) != 0) return Is::Made;
  if ((mask & IN_MOVED_TO) != 0) return Is::MovedIn;
  if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) return Is::Gone;
  return Is::Permitted;
}

}  // namespace

const std::uint32_t kWatchMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                                 IN_ATTRIB | IN_ONLYDIR | IN_EXCL_UNLINK;

std::vector<QueueEvent> read_events(std::string_view bytes) {
  std::vector<QueueEvent> events;
  inotify_event header;
  while (bytes.size() >= sizeof header) {
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes.remove_prefix(sizeof header);
    if (bytes.size() < header.len) break;
    const std::string_view padded = bytes.substr(0, header.len);
    const std::string_view name = padded.substr(0, padded.find('\0'));
    bytes.remove_prefix(header.len);
    const auto is = meaning_of(header.mask, !name.empty());
    if (is) events.push_back({.is = *is, .watch = header.wd, .name = std::string(name)});
  }
  return events;
}

}  // namespace hpp::watchd::inotify
