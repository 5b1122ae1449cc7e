// A pipe as splice(2) uses it: bytes on their way from one socket to another that never leave the
// kernel.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/os/unique_fd.h"

namespace hpp {

class SplicePipe {
 public:
  // nullptr: no descriptors are left, or too many pages are in pipes already (pipe(7)).
  static std::unique_ptr<SplicePipe> make();

  // Moves up to `max` bytes from a socket into the pipe, which must be empty: whether it is full
  // cannot be told from an empty socket. Returns what splice(2) does, and errno with it.
  ssize_t fill(int from, std::size_t max);

  // Moves what the pipe holds to a socket, all or some of it. Returns what splice(2) does.
  ssize_t empty_into(int to);

  std::size_t held() const { return held_; }

 private:
  SplicePipe(UniqueFd out, UniqueFd in);

  UniqueFd out_;
  UniqueFd in_;
  std::size_t held_ = 0;
};

// Pipes that are not in use, kept for the next long body.
class SplicePipes {
 public:
  std::unique_ptr<SplicePipe> take();

  // One that still holds bytes is closed: they are nobody's.
  void put_back(std::unique_ptr<SplicePipe> pipe);

 private:
  std::vector<std::unique_ptr<SplicePipe>> idle_;
};

}  // namespace hpp
