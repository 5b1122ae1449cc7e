// Pure. What a helper tells its service manager: the messages of sd_notify(3).
#pragma once

#include <string>
#include <string_view>

namespace hpp::launch {

// One datagram, as far as hpp-launch understands it.
struct Notification {
  bool is_ready = false;        // READY=1
  bool is_alive = false;        // WATCHDOG=1
  bool stores_fds = false;      // FDSTORE=1: those that came with it
  bool removes_fds = false;     // FDSTOREREMOVE=1: those of that name; not together with FDSTORE=1
  std::string name = "stored";  // FDNAME=, if it is one: ASCII without colons, 255 at most

  bool operator==(const Notification&) const = default;
};

// Lines that mean nothing to us are for other managers, and ignored.
Notification read_notification(std::string_view text);

}  // namespace hpp::launch
