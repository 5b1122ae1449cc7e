// Shell. Owns one client connection and, while a request is under way, its backend connection:
// turns what happens on them into events of core::Exchange and performs the effects.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/event/loop.h"
#include "common/event/stream.h"
#include "common/event/timer.h"
#include "common/os/socket_address.h"
#include "proxyd/core/exchange.h"
#include "proxyd/core/gate.h"
#include "proxyd/core/http_body.h"
#include "proxyd/core/http_parser.h"
#include "proxyd/upstream.h"

namespace hpp::proxyd {

class Client;

// What all clients share. Owned by the daemon, outlives them.
struct ClientContext {
  Loop& loop;
  Gate gate;
  Pool pool;
  std::string backend;                     // `localhost:8001`: Host for who sent none
  std::uint64_t forwarded = 0;             // requests given to a backend so far
  std::uint64_t replayed = 0;              // of those, not for the first time
  std::uint64_t next_arrival = 1;          // numbers requests in their order of arrival
  std::function<void(Client&)> on_closed;  // the client may be buried
};

class Client final : private StreamListener, private UpstreamListener {
 public:
  Client(ClientContext& context, UniqueFd connection, const SocketAddress& peer);

  // The gate has news: asks it again.
  void reconsider();

  bool is_held() const { return exchange_.phase() == Exchange::Phase::Held; }

  bool is_closed() const { return exchange_.phase() == Exchange::Phase::Closed; }

  // The place of its newest request among those of all clients.
  std::uint64_t arrival() const { return arrival_; }

 private:
  void on_input() override { work(); }

  void on_input_ended() override { work(); }

  void on_output_progress() override { work(); }

  void on_broken(int error) override;
  void on_upstream_opened() override;

  void on_upstream_input() override { work(); }

  void on_upstream_ended() override { work(); }

  void on_upstream_progress() override { work(); }

  void on_upstream_broken() override;

  void work();
  bool advance();
  bool read_request();
  bool pump_request();
  bool read_response();
  bool pump_response();
  bool tell_of_client_end();
  void pump_tunnel();
  void drain_finishing();
  bool settle();
  void send_request();
  void close();

  void handle(const Event& event);
  void perform(const AskGate& effect);
  void perform(const ForwardRequest& effect);
  void perform(const DropUpstream& effect);
  void perform(const ReleaseUpstream& effect);
  void perform(const PassResponseHead& effect);
  void perform(const Answer& effect);
  void perform(const ReadNext& effect);
  void perform(const FinishClient& effect);
  void perform(const CutClient& effect);

  ClientContext& context_;
  Stream stream_;
  std::string peer_ip_;
  bool peer_is_local_;
  Exchange exchange_;
  RequestParser parser_;
  RequestBody request_body_{parser_};
  std::string head_;  // of the request under way, as the backend gets it
  std::unique_ptr<Upstream> upstream_;
  Delivery::Coding coding_ = Delivery::Coding::AsItCame;
  Timer timer_;
  std::uint64_t arrival_ = 0;
  bool lingers_ = false;        // our last byte is written; only the client's FIN is awaited
  bool end_told_ = false;       // the exchange knows of the client's FIN
  bool was_forwarded_ = false;  // the request under way, at least once
};

}  // namespace hpp::proxyd
