// Shell. One question over HTTP, and the whole answer.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/os/socket_address.h"

namespace hpp::ctl {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // nothing: never

// How long poll(2) may wait; -1: for ever.
int poll_time(const Deadline& deadline);

// Whether it is over.
bool is_over(const Deadline& deadline);

// Sends `request` on a connection of its own, and returns what comes until the peer closes, the
// connection breaks or the deadline is over. Nothing: no connection can be made now.
std::optional<std::string> ask(const SocketAddress& address, const std::string& request,
                               const Deadline& deadline);

}  // namespace hpp::ctl
