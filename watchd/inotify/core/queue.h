// Pure. The events of inotify(7), and the clock that names a queue of them.
//
// An inotify descriptor is a queue: the kernel appends an event before the system call that causes
// it returns. The queue outlives watchd in the service manager's store of descriptors. The clock is
// `inotify:TOKEN:POSITION`. The token is a random name of the queue. The position grows with each
// batch of changes that watchd reads, and is kept beside the queue (watchd/inotify/source.cc), so
// that the next watchd can compare it with the last one published: if they differ, changes were
// read from the queue that were never published.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hpp::watchd::inotify {

struct QueueEvent {
  enum class Is {
    Touched,     // a file was made, renamed or removed, or its metadata have changed
    Written,     // a file was written
    Made,        // a directory was made
    MovedIn,     // a directory was renamed to this name
    Gone,        // a directory was removed, or renamed to another name
    Permitted,   // the metadata of a directory have changed
    Ended,       // the watch has ended: the directory is gone, or its file system was unmounted
    Overflowed,  // the queue was full, and events were dropped
  };

  Is is = Is::Touched;
  int watch = -1;
  std::string name{};  // in the watched directory; empty for Ended and Overflowed

  bool operator==(const QueueEvent&) const = default;
};

struct Clock {
  std::string token;
  std::uint64_t position = 0;

  bool operator==(const Clock&) const = default;
};

std::string to_text(const Clock& clock);

// Nothing: the text is empty, or the clock of another source.
std::optional<Clock> read_clock(std::string_view text);

}  // namespace hpp::watchd::inotify
