#include "launch/core/notification.h"

#include <algorithm>

namespace hpp::launch {

Notification read_notification(std::string_view text) {
  constexpr std::string_view kName = "FDNAME=";
  Notification notification;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line == "READY=1") notification.is_ready = true;
    if (line == "WATCHDOG=1") notification.is_alive = true;
    if (line == "FDSTORE=1") notification.stores_fds = true;
    if (line == "FDSTOREREMOVE=1") notification.removes_fds = true;
    if (line.starts_with(kName)) notification.name = line.substr(kName.size());
  }
  return notification;
}

}  // namespace hpp::launch
