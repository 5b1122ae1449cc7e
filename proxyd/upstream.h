// Shell. One connection to the backend, from the attempt to connect until its end.
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

// Gets the events of a backend connection. Called from the loop only.
class UpstreamListener {
 public:
  virtual void on_upstream_opened() = 0;
  virtual void on_upstream_input() = 0;     // there are bytes in stream().input()
  virtual void on_upstream_ended() = 0;     // the backend has sent its FIN
  virtual void on_upstream_progress() = 0;  // waiting output was written
  // The connection was reset, or could not be made (connect_error()). No more events follow.
  virtual void on_upstream_broken() = 0;

 protected:
  ~UpstreamListener() = default;
};

class Upstream final : private StreamListener, private ConnectorListener {
 public:
  // Connects with a Connector. `listener` must stay alive until it is replaced; the other arguments
  // must outlive the connection.
  Upstream(Loop& loop, ConnectQueue& queue, SplicePipes& pipes, BackendAddresses& addresses,
           UpstreamListener* listener);

  bool is_open() const { return stream_ != nullptr; }

  Stream& stream() { return *stream_; }

  const Stream& stream() const { return *stream_; }

  ResponseParser& parser() { return parser_; }

  ResponseBody& body() { return body_; }

  BodyPump& pump() { return pump_; }

  // The backend's address. Only valid once the connection is open.
  const SocketAddress& peer() const { return peer_; }

  // The errno value of a failed attempt to connect; 0 if it has succeeded or is not over.
  int connect_error() const { return connect_error_; }

  // Whether the connection has served another request before the current one.
  bool was_used() const { return was_used_; }

  void set_used() { was_used_ = true; }

  void set_listener(UpstreamListener* listener) { listener_ = listener; }

  // Stops all events and an attempt to connect. Called before the connection is buried.
  void retire();

  // Asks the kernel whether the backend has closed the connection.
  bool has_ended_by_now() const;

  // Whether no process has the backend's end open any more: it was closed, or the backend was
  // killed.
  bool is_abandoned(PeerSockets& peers) const;

  // Makes the connection send a reset when it is closed. Then the backend's end does not leave a
  // TIME_WAIT on the port that the next backend binds.
  void reset_on_close();

 private:
  void on_input() override;
  void on_input_ended() override;
  void on_output_progress() override;
  void on_broken(int error) override;

  void on_connected(UniqueFd socket, const SocketAddress& peer) override;
  void on_not_connected(int error) override;

  // The open connection's socket or the connector's; -1 if there is none.
  int socket() const;

  Loop& loop_;
  UpstreamListener* listener_;
  BodyPump pump_;
  std::unique_ptr<Stream> stream_;  // set once the connection is open
  SocketAddress peer_;
  int connect_error_ = 0;
  ResponseParser parser_;
  ResponseBody body_{parser_};
  bool was_used_ = false;
  std::unique_ptr<Connector> connector_;  // set until the connection is open
};

}  // namespace hpp::proxyd
