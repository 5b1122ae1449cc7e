// Shell. Sends one HTTP request and returns the whole response.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/os/socket_address.h"
#include "common/time_point.h"

namespace hpp::ctl {

using Deadline = std::optional<TimePoint>;  // nothing: no limit

// The timeout for poll(2) in milliseconds; -1 if there is no deadline.
int poll_time(const Deadline& deadline);

// Whether the deadline has passed.
bool is_over(const Deadline& deadline);

// Waits for these poll(2) events. Returns false if the deadline passes first.
bool wait_for(int fd, short events, const Deadline& deadline);

// Sends `request` on a new connection. Returns all bytes received until the peer closes the
// connection, the connection breaks or the deadline passes. Returns nothing if the connection or
// the request fails.
std::optional<std::string> ask(const SocketAddress& address, const std::string& request,
                               const Deadline& deadline);

}  // namespace hpp::ctl
