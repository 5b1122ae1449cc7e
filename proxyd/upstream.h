// Shell. One connection to the backend: being made, or in use.
#pragma once

#include <memory>

#include "common/event/loop.h"
#include "common/event/stream.h"
#include "common/os/peer_sockets.h"
#include "common/os/socket_address.h"
#include "common/os/splice_pipe.h"
#include "proxyd/connector.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/response_parser.h"
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

class Upstream final : private StreamListener, private ConnectorListener {
 public:
  // Connects by a Connector. All but `listener` must outlive the connection; that, until it is
  // replaced.
  Upstream(Loop& loop, ConnectQueue& queue, SplicePipes& pipes, BackendAddresses& addresses,
           UpstreamListener* listener);

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

  void on_connected(UniqueFd socket, const SocketAddress& peer) override;
  void on_not_connected(int error) override;

  Loop& loop_;
  UpstreamListener* listener_;
  BodyPump pump_;
  std::unique_ptr<Stream> stream_;  // once it is made
  SocketAddress peer_;
  int connect_error_ = 0;
  ResponseParser parser_;
  ResponseBody body_{parser_};
  bool was_used_ = false;
  std::unique_ptr<Connector> connector_;  // until then
};

}  // namespace hpp::proxyd
