// Shell. Owns the connections to the backend that carry no request: those that wait for their next
// one, and those that are on their way out.
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
#include "proxyd/core/exchange.h"
#include "proxyd/upstream.h"

namespace hpp::proxyd {

class Pool {
 public:
  // `loop` and `pipes` must outlive the pool and all its connections.
  Pool(Loop& loop, SplicePipes& pipes, std::vector<SocketAddress> addresses);
  ~Pool();

  // A connection for one request: idle or new. It tells `listener` when it is open, unless
  // is_open() already. `fresh`: the request cannot be repeated, or not once more
  // (core/reuse.h).
  std::unique_ptr<Upstream> take(bool fresh, UpstreamListener* listener);

  // Gives back a connection whose exchange is complete. One that the backend has said it closes is
  // closed after that has happened, or some time has passed: closes that cross would leave a
  // TIME_WAIT on both sides.
  void put_back(std::unique_ptr<Upstream> upstream, const ReleaseUpstream& how);

  // Ends a connection, whatever it is doing: with a FIN, or with a reset if no process has the
  // backend's end any more.
  void drop(std::unique_ptr<Upstream> upstream);

  // Whether the backend runs, as far as is known. While it does not, all connections without a
  // request and those that are dropped are reset: no TIME_WAIT stays on the port that the successor
  // binds.
  void backend_runs(bool runs);

  // The one address, as text, where the backend has answered; empty: any of them. Idle connections
  // to others are closed.
  void backend_answers_at(std::string_view address);

 private:
  struct Parked;

  // Connections without a request.
  struct Lot {
    Lot(Pool& pool, Milliseconds time_max);

    Parked& add(Pool& pool, std::unique_ptr<Upstream> upstream);

    Milliseconds longest;
    std::vector<std::unique_ptr<Parked>> all;  // the last one came last
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
  Lot idle_;         // until the next request
  Lot leaving_;      // until the backend closes
  Lot ended_;        // until it is known whether a process still has the backend's end
  Lot half_closed_;  // a process still has it, as it seems: once more before our FIN
  PeerSockets peers_;
  bool backend_runs_ = true;
};

}  // namespace hpp::proxyd
