// The kernel's limits of inotify(7), and how much of them this user has in use.
#pragma once

#include <cstdint>

namespace hpp {

// Returns the value of a file below /proc/sys/fs/inotify, such as `max_user_watches`; 0: it cannot
// be read.
std::uint64_t inotify_limit(const char* name);

struct InotifyUse {
  std::uint64_t instances = 0;
  std::uint64_t watches = 0;
};

// Counts the instances and watches of this user's processes, as far as this process may read their
// descriptors. Takes a time that grows with the number of their descriptors: some milliseconds for
// thousands.
InotifyUse inotify_use();

}  // namespace hpp
