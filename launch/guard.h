// Shell. A process that outlives hpp-launch by what it takes to end the backend and to leave the
// terminal as it was. Whoever kills hpp-launch alone has supervisord end the backend; but
// supervisord may have been killed, too.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "common/os/build_daemons.h"
#include "common/os/unique_fd.h"
#include "launch/key_mode.h"

namespace hpp::launch {

class Guard {
 public:
  // Forks; this process must have one thread. The guard keeps none of its descriptors, but stdin if
  // that is a terminal.
  // `run_directory` must exist; `tag_prefix` is its backend_tag_prefix(). `stop_time`: how long a
  // supervisord that lives may take to end the backend. `daemons` are spared. Throws
  // std::system_error.
  Guard(const std::string& run_directory, const std::string& tag_prefix,
        const BuildDaemons& daemons, std::chrono::milliseconds stop_time);

  // All is well: ends it, and waits for that.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  pid_t pid() const { return pid_; }

  // The mode of the terminal that is our stdin is to be taken back.
  void remember(const KeyMode& mode);

 private:
  UniqueFd line_;  // while it is open, hpp-launch lives
  pid_t pid_ = 0;
};

}  // namespace hpp::launch
