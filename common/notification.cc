#include "common/notification.h"

#include <algorithm>

#include "common/take_until.h"

namespace hpp {
namespace {

// The rule is from sd_pid_notify_with_fds(3). LISTEN_FDNAMES separates names by colons, so a colon
// within a name would shift all names that follow to other descriptors.
bool is_fd_name(std::string_view name) {
  constexpr std::size_t kLengthMax = 255;
  const auto is_allowed = [](char c) { return c >= ' ' && c < '\x7f' && c != ':'; };
  return name.size() <= kLengthMax && std::all_of(name.begin(), name.end(), is_allowed);
}

}  // namespace

Notification read_notification(std::string_view text) {
  constexpr std::string_view kName = "FDNAME=";
  constexpr std::string_view kStatus = "STATUS=";
  Notification notification;
  while (!text.empty()) {
    const std::string_view line = take_until('\n', text);
    if (line == "READY=1") notification.is_ready = true;
    if (line == "WATCHDOG=1") notification.is_alive = true;
    if (line == "FDSTORE=1") notification.stores_fds = true;
    if (line == "FDSTOREREMOVE=1") notification.removes_fds = true;
    if (line.starts_with(kStatus)) notification.status = line.substr(kStatus.size());
    if (line.starts_with(kName) && is_fd_name(line.substr(kName.size()))) {
      notification.name = line.substr(kName.size());
    }
  }
  return notification;
}

}  // namespace hpp
