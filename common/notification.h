// Pure. Parses the messages that a process sends to its service manager, sd_notify(3).
#pragma once

#include <string>
#include <string_view>

namespace hpp {

// The fields of one datagram that hpp understands.
struct Notification {
  bool is_ready = false;        // READY=1
  bool is_alive = false;        // WATCHDOG=1
  bool stores_fds = false;      // FDSTORE=1: store the descriptors sent with this message
  bool removes_fds = false;     // FDSTOREREMOVE=1: drop those with `name`; wins over FDSTORE=1
  std::string name = "stored";  // FDNAME=, if valid: printable ASCII without colons, ≤ 255 bytes
  std::string status;           // STATUS=, a line for people that says what the process is doing

  bool operator==(const Notification&) const = default;
};

// Ignores unknown lines: they are meant for other service managers.
Notification read_notification(std::string_view text);

}  // namespace hpp
