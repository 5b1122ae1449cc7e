// Shell. Owns where the backend's output goes: our stdout and stderr, or the journal of systemd
// under a name of its own.
#pragma once

#include "common/os/unique_fd.h"

namespace hpp::supervisord {

// Under systemd our stdout and stderr are one stream of the journal, in which a line of the
// backend's would look like one of ours. So the backend gets streams with another identifier, as it
// would have as a service of its own: `journalctl -t hpp-backend`. Each line comes as it was
// written, also one that begins like a priority (`<3>`).
class JournalStreams {
 public:
  // Without a journal, or where it does not listen, these are our stdout and stderr.
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
