// Shell. `hpp-launch --background`: starts a second hpp-launch in a session of its own, and waits
// until the server is ready.
#pragma once

#include <optional>
#include <string>

#include "common/os/run_directory.h"
#include "common/os/unique_fd.h"

namespace hpp::launch {

// If the command line has --background before the server's command, starts hpp without that word,
// and waits until the server answers. Prints where it is, where its logs are and how to stop it.
// Returns the exit status: 0 ready, 1 failed, 2 usage, 3 timed out. If the server has failed, or is
// not ready in time, hpp goes on. Returns nothing without --background. Call it before this process
// has threads.
std::optional<int> start_in_background(int argc, char** argv);

// What an hpp-launch that was started by start_in_background() does for it. Stdout and stderr are
// its log, a file in the run directory.
class InBackground {
 public:
  // Returns nothing if this hpp-launch was started in another way. Removes the variable that tells
  // so. Call once.
  static std::optional<InBackground> take();

  // Gives the log its final name. Call when this process holds the lock of the run directory:
  // until then, the log of another hpp-launch may have that name.
  void name_log(const RunDirectory& directory) const;

  // Tells start_in_background() that hpp listens, so that questions reach it and no other program.
  void tell_listening();

  // Empties the log if it has become too long. Call it regularly.
  void bound_log() const;

 private:
  InBackground(std::string log_name, UniqueFd line);

  std::string first_log_name_;
  UniqueFd line_;  // a pipe to start_in_background()
};

}  // namespace hpp::launch
