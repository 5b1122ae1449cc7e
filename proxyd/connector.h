// Shell. Makes one connection to the backend: tries its addresses until a socket is connected or no
// address is left.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/event/deferred_call.h"
#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/timer.h"
#include "common/os/socket_address.h"
#include "common/os/unique_fd.h"
#include "proxyd/backend_addresses.h"
#include "proxyd/connect_queue.h"

namespace hpp::proxyd {

// Gets the result of a connector. Exactly one of the methods is called, once and from the loop.
// Then the owner must bury the connector (Loop::bury).
class ConnectorListener {
 public:
  // A process of `peer` has accepted the connection.
  virtual void on_connected(UniqueFd socket, const SocketAddress& peer) = 0;

  // No address accepts a connection. `error`: the errno value of the first address, which usually
  // is the one that the user means.
  virtual void on_not_connected(int error) = 0;

 protected:
  ~ConnectorListener() = default;
};

class Connector final : private ConnectQueue::Member {
 public:
  // Connects to the first of `addresses` that accepts, when it is its turn in `queue`. Reports that
  // address to `addresses`. All arguments must outlive the connector.
  Connector(Loop& loop, ConnectQueue& queue, BackendAddresses& addresses,
            ConnectorListener& listener);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // Cancels the attempt. The listener is not called any more.
  void stop();

  // The socket of the connection that is being made; -1 if there is none.
  int socket() const { return socket_.get(); }

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
  std::vector<SocketAddress> failed_;  // the addresses that did not accept
  int first_error_ = 0;                // the errno value of the first of them
  UniqueFd socket_;
  SocketAddress peer_;  // the address that socket_ connects to
  std::unique_ptr<FdWatch> connected_;
  Timer impatience_;
  DeferredCall give_up_call_;  // the last address may fail before the constructor returns
  Milliseconds patience_;
  TimePoint gives_up_at_{};
  std::uint64_t place_;  // the number in the queue; 0: not in the queue
};

}  // namespace hpp::proxyd
