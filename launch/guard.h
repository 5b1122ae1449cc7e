// Shell. A process that outlives hpp-launch, to end the backend and to restore the terminal's mode.
// If only hpp-launch is killed, supervisord ends the backend. The guard is for the case that
// supervisord is killed together with it.
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
  // Forks; this process must have one thread. The guard closes all inherited descriptors, except
  // stdin if that is a terminal.
  // `run_directory` must exist; `tag_prefix` is its backend_tag_prefix(). `stop_time`: how long
  // supervisord may take to end the backend, if it is still alive. `daemons` are not killed. Throws
  // std::system_error.
  Guard(const std::string& run_directory, const std::string& tag_prefix,
        const BuildDaemons& daemons, std::chrono::milliseconds stop_time);

  // Kills the guard, because hpp-launch exits normally, and reaps it.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  pid_t pid() const { return pid_; }

  // Tells the guard which mode to restore on the terminal that is our stdin. The latest call
  // counts.
  void remember(const KeyMode& mode);

 private:
  UniqueFd line_;  // a pipe to the guard, which reads its end when hpp-launch dies
  pid_t pid_ = 0;
};

}  // namespace hpp::launch
