// Shell. Owns the destinations of the backend's output: our stdout and stderr, streams of the
// systemd journal with their own identifier, or /dev/null (`hpp-launch --background`).
#pragma once

#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// Under systemd, our stdout and stderr are the same journal stream. A line of the backend in that
// stream would look like one of ours. Therefore the backend gets streams with another identifier,
// as a separate service would have: `journalctl -t hpp-backend`. The journal does not interpret the
// lines: a prefix that looks like a priority (`<3>`) is kept.
//
// With `hpp-launch --background`, our stdout and stderr are a file for hpp's own lines. The
// backend's output would let it grow, and is in the bounded output log anyway.
class JournalStreams {
 public:
  // If our stdout or stderr is no journal stream, or the journal does not accept a new stream, the
  // backend shares ours. Removes the variable of `hpp-launch --background`, which the backend must
  // not inherit.
  JournalStreams();

  int out() const { return out_fd_; }

  int err() const { return err_fd_; }

 private:
  UniqueFd out_;
  UniqueFd err_;
  int out_fd_;
  int err_fd_;
};

}  // namespace hpp::supervisord
