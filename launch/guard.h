// Shell. A process that outlives hpp-launch by what it takes to end the backend. Whoever kills
// hpp-launch alone has supervisord end it; but supervisord may have been killed, too.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "common/os/unique_fd.h"

namespace hpp::launch {

class Guard {
 public:
  // Forks; this process must have one thread. The guard keeps none of its descriptors.
  // `run_directory` must exist. `stop_time`: how long a supervisord that lives may take to end the
  // backend. Throws std::system_error.
  Guard(const std::string& run_directory, std::chrono::milliseconds stop_time);

  // All is well: ends it, and waits for that.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  pid_t pid() const { return pid_; }

 private:
  UniqueFd line_;  // while it is open, hpp-launch lives
  pid_t pid_ = 0;
};

}  // namespace hpp::launch
