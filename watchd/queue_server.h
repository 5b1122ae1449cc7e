// Shell. Hands the queues of inotify over to proxyd, and tells proxyd when watchd is idle
// (common/bus/idle.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/idle_page.h"
#include "common/event/fd_watch.h"
#include "common/event/listener.h"
#include "common/event/loop.h"
#include "common/os/unique_fd.h"
#include "watchd/inotify/source.h"

namespace hpp::watchd {

class QueueServer {
 public:
  using Queue = inotify::Source::Queue;

  // Listens in the run directory. `epoch`: of watchd's snapshots. If it cannot listen, it hands
  // over nothing, and every request takes a ticket, until mend() succeeds. `loop` must outlive the
  // server.
  QueueServer(Loop& loop, const std::string& run_directory, std::uint64_t epoch);

  // Creates the socket in the run directory again if it was deleted. Connections are kept.
  void mend();

  // Must be called before a queue is read.
  void begin_work();

  // Must be called before a queue is opened or closed.
  void withdraw();

  // Everything that was read from the queues is published, in the snapshot with that number or in
  // earlier ones.
  void report_idle(std::uint64_t sequence, const std::vector<Queue>& queues);

 private:
  struct Peer {
    UniqueFd connection;
    std::unique_ptr<FdWatch> ended;
  };

  // A set of queues, with its page.
  struct Offer {
    bus::IdlePage page;
    std::string text;
    std::vector<int> fds;
  };

  void listen();
  void accept(UniqueFd connection);
  void send(Peer& peer);
  void drop(Peer& peer);

  Loop& loop_;
  std::string path_;  // path of the socket
  std::uint64_t epoch_;
  std::optional<Offer> offer_;  // nothing: none of the pages is valid
  std::vector<std::unique_ptr<Peer>> peers_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace hpp::watchd
