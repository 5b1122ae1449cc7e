// Reads what the kernel has put into the queue (inotify(7)).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "watchd/inotify/core/queue.h"

namespace hpp::watchd::inotify {

// The events that every watch wants. IN_CLOSE_WRITE is left out, because a program that opens a
// file for writing and does not write (SQLite) would cause it, too. IN_EXCL_UNLINK leaves out
// writes to a deleted file that is still open.
extern const std::uint32_t kWatchMask;

// Reads what read(2) has returned. Leaves out events without a meaning for hpp.
std::vector<QueueEvent> read_events(std::string_view bytes);

}  // namespace hpp::watchd::inotify
