// A pipe for splice(2), which moves bytes from one socket to another within the kernel.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/os/unique_fd.h"

namespace hpp {

class SplicePipe {
 public:
  // Returns nullptr if no descriptor is left, or if the user's pipes have too many pages (pipe(7)).
  static std::unique_ptr<SplicePipe> make();

  // Moves up to `max` bytes from a socket into the pipe. The pipe must be empty, because splice(2)
  // reports a full pipe and an empty socket alike. Returns the result of splice(2), with errno.
  ssize_t fill(int from, std::size_t max);

  // Moves all or some of the pipe's bytes to a socket. Returns the result of splice(2).
  ssize_t empty_into(int to);

  std::size_t held() const { return held_; }

 private:
  SplicePipe(UniqueFd out, UniqueFd in);

  UniqueFd out_;
  UniqueFd in_;
  std::size_t held_ = 0;
};

// Keeps unused pipes for the next long body.
class SplicePipes {
 public:
  std::unique_ptr<SplicePipe> take();

  // A pipe that still holds bytes is closed, because they must not reach another connection.
  void put_back(std::unique_ptr<SplicePipe> pipe);

 private:
  std::vector<std::unique_ptr<SplicePipe>> idle_;
};

}  // namespace hpp
