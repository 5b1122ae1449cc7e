// Shell. Owns the connections to the backend that carry no request: idle connections that wait for
// the next request, and connections that are being closed.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/peer_sockets.h"
#include "common/os/socket_address.h"
#include "common/os/splice_pipe.h"
#include "proxyd/backend_addresses.h"
#include "proxyd/connect_queue.h"
#include "proxyd/core/events.h"
#include "proxyd/upstream.h"

namespace hpp::proxyd {

class Pool {
 public:
  // `loop` and `pipes` must outlive the pool and all its connections.
  Pool(Loop& loop, SplicePipes& pipes, std::vector<SocketAddress> addresses);
  ~Pool();

  // Returns a connection for one request, idle or new. If is_open() is false, the connection calls
  // `listener` when it is open. `fresh`: the request cannot be repeated, or not once more
  // (core/reuse.h).
  std::unique_ptr<Upstream> take(bool fresh, UpstreamListener* listener);

  // Gives back a connection whose answer is complete. If the backend has announced that it closes
  // the connection, the pool waits for that close, for at most kLeavingFor: two closes at the same
  // time would leave a TIME_WAIT on both sides.
  void put_back(std::unique_ptr<Upstream> upstream, const ReleaseUpstream& how);

  // Closes a connection in any state: with a reset if the backend does not run, or if its end was
  // closed and no process has it open any more; otherwise with a FIN.
  void drop(std::unique_ptr<Upstream> upstream);

  // Sets whether the backend runs. While it does not run, all connections without a request, and
  // all connections that are dropped, are closed with a reset. A FIN could leave a TIME_WAIT on the
  // port that the next backend binds.
  void backend_runs(bool runs);

  // Sets the only address, as text, at which the backend has answered; empty: all addresses may be
  // used. A new address closes the idle connections.
  void backend_answers_at(std::string_view address);

 private:
  struct Parked;

  // Connections without a request.
  struct Lot {
    Lot(Pool& pool, Milliseconds time_max);

    Parked& add(Pool& pool, std::unique_ptr<Upstream> upstream);

    Milliseconds longest;
    std::vector<std::unique_ptr<Parked>> all;  // sorted by the time of arrival, the newest last
    Timer expiry;
  };

  void drop_idle();
  void forget(Parked* parked);
  void expire(Lot& lot);
  void close(std::unique_ptr<Upstream> upstream);

  Loop& loop_;
  SplicePipes& pipes_;
  ConnectQueue queue_;
  BackendAddresses addresses_;
  Lot idle_;         // waits for the next request
  Lot leaving_;      // waits until the backend closes the connection
  Lot ended_;        // waits until it is known whether a process still has the backend's end
  Lot half_closed_;  // a process seemed to have the backend's end; checked again before our FIN
  PeerSockets peers_;
  bool backend_runs_ = true;
};

}  // namespace hpp::proxyd
