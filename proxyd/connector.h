// Shell. Makes one connection to the backend: the attempt, until a socket is connected or no
// address is left to try.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/event/deferred_call.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/peer_sockets.h"
#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"
#include "proxyd/backend_addresses.h"
#include "proxyd/connect_queue.h"

namespace hpp::proxyd {

// What an attempt tells its owner. Called from the loop only. Nothing follows, and the owner must
// bury the connector (Loop::bury).
class ConnectorListener {
 public:
  // A process of `peer` has accepted the connection.
  virtual void on_connected(UniqueFd socket, const SocketAddress& peer) = 0;

  // No address accepts one. `error`: an errno value, the one of the first address, because mostly
  // the user means that one.
  virtual void on_not_connected(int error) = 0;

 protected:
  ~ConnectorListener() = default;
};

class Connector final : private ConnectQueue::Member {
 public:
  // Connects, when `queue` lets it, to the first of `addresses` that accepts, and says there which
  // one did. All of them must outlive the connector.
  Connector(Loop& loop, ConnectQueue& queue, BackendAddresses& addresses,
            ConnectorListener& listener);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // No connection is made any more, and the listener is not told.
  void stop();

  // Whether the backend has closed the connection that is being made, as of now.
  bool has_ended_by_now() const;

  // If it has: whether no process has the backend's end any more.
  bool is_abandoned(PeerSockets& peers) const { return peers.is_orphan(socket_.get()); }

  // Makes the close of the socket a reset.
  void reset_on_close();

 private:
  void on_turn() override;

  const SocketAddress* next_address() const;
  void try_next();
  void end_attempt();
  void attempt_ended();
  void attempt_failed(const SocketAddress& address, int error);
  void attempt_hangs();
  void give_up();
  void leave_queue();

  Loop& loop_;
  ConnectQueue& queue_;
  BackendAddresses& addresses_;
  ConnectorListener& listener_;
  std::vector<SocketAddress> failed_;  // the addresses that it has tried in vain
  int first_error_ = 0;                // what the first of them failed with
  UniqueFd socket_;
  SocketAddress peer_;  // where that leads to
  std::unique_ptr<FdWatch> connected_;
  Timer impatience_;
  DeferredCall give_up_call_;  // the last address may fail before the constructor returns
  Milliseconds patience_;
  TimePoint gives_up_at_{};
  std::uint64_t place_;  // in the queue; 0: none
};

}  // namespace hpp::proxyd
