// Shell. Owns connections to the backend: one that is made or in use (Upstream), and those that
// wait for their next request (Pool).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/event/fd_watch.h"
#include "common/event/loop.h"
#include "common/event/stream.h"
#include "common/event/timer.h"
#include "common/os/peer_sockets.h"
#include "common/os/socket_address.h"
#include "proxyd/backend_addresses.h"
#include "proxyd/connect_queue.h"
#include "proxyd/core/exchange.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/reuse.h"
#include "proxyd/pump.h"

namespace hpp::proxyd {

// What a backend connection tells whoever uses it. Called from the loop only.
class UpstreamListener {
 public:
  virtual void on_upstream_opened() = 0;
  virtual void on_upstream_input() = 0;     // bytes are in input()
  virtual void on_upstream_ended() = 0;     // the backend's FIN
  virtual void on_upstream_progress() = 0;  // output that had to wait was written
  // Reset, or no connection could be made (connect_error()); nothing follows.
  virtual void on_upstream_broken() = 0;

 protected:
  ~UpstreamListener() = default;
};

class Upstream final : private StreamListener, private ConnectQueue::Member {
 public:
  // Connects, when `queue` lets it, to the first of `addresses` that accepts, and says there which
  // one did. All but `listener` must outlive the connection; that, until it is replaced.
  Upstream(Loop& loop, ConnectQueue& queue, SplicePipes& pipes, BackendAddresses& addresses,
           UpstreamListener* listener);
  ~Upstream();

  bool is_open() const { return stream_ != nullptr; }

  Stream& stream() { return *stream_; }

  const Stream& stream() const { return *stream_; }

  ResponseParser& parser() { return parser_; }

  ResponseBody& body() { return body_; }

  BodyPump& pump() { return pump_; }

  // Where it leads to, once it is open.
  const SocketAddress& peer() const { return peer_; }

  // Why no connection could be made, an errno value; 0: one was, or may be yet.
  int connect_error() const { return connect_error_; }

  // Whether it has carried a complete exchange before this one.
  bool was_used() const { return was_used_; }

  void set_used() { was_used_ = true; }

  void set_listener(UpstreamListener* listener) { listener_ = listener; }

  // Nobody is told of anything any more, and no connection is made: it is about to be buried.
  void retire();

  // Whether the backend has closed it, as of now.
  bool has_ended_by_now() const;

  // Whether the backend has closed its socket, or was killed: no process has it any more.
  bool is_abandoned(PeerSockets& peers) const;

  // Makes its close a reset: the backend's end keeps no TIME_WAIT on the port that its successor
  // binds.
  void reset_on_close();

 private:
  void on_input() override;
  void on_input_ended() override;
  void on_output_progress() override;
  void on_broken(int error) override;

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
  UpstreamListener* listener_;
  std::vector<SocketAddress> failed_;  // the addresses that this connection has tried in vain
  int first_error_ = 0;                // what the first of them failed with
  int connect_error_ = 0;
  UniqueFd connecting_;
  SocketAddress peer_;
  std::unique_ptr<FdWatch> connected_;
  std::unique_ptr<Timer> impatience_;
  Milliseconds patience_;
  TimePoint gives_up_at_{};
  std::unique_ptr<Stream> stream_;
  ResponseParser parser_;
  ResponseBody body_{parser_};
  BodyPump pump_;
  bool was_used_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::uint64_t place_;  // in the queue; 0: not, or no more
};

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
