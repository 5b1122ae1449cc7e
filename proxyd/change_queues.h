// Shell. Owns duplicates of watchd's queues of inotify, and looks into them for the barrier
// (common/bus/idle.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/idle.h"
#include "common/bus/idle_page.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"

namespace hpp::proxyd {

class ChangeQueues {
 public:
  // `loop` must outlive this object.
  ChangeQueues(Loop& loop, const std::string& run_directory);

  // Connects to watchd, if there is no connection. If watchd does not listen, does nothing.
  void connect();

  // Returns the snapshot of watchd that contains every save until now. Nothing if that is not known
  // without a ticket.
  std::optional<bus::IdlePoint> look() const;

 private:
  struct Offered {
    bus::IdlePage page;
    bus::QueueOffer offer;
    std::vector<UniqueFd> queues;
  };

  struct Senses;

  void receive();
  void disconnect();

  Loop& loop_;
  std::string path_;
  UniqueFd connection_;
  std::unique_ptr<FdWatch> readable_;
  std::optional<Offered> offered_;
};

}  // namespace hpp::proxyd
