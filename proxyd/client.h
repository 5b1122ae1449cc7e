// Shell. Owns one client connection and, during a request, its backend connection. Turns their
// activity into events of core/connection.h, and performs the effects.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/event/loop.h"
#include "common/event/stream.h"
#include "common/event/timer.h"
#include "common/log.h"
#include "common/os/socket_address.h"
#include "common/os/splice_pipe.h"
#include "proxyd/core/connection.h"
#include "proxyd/core/farewell.h"
#include "proxyd/core/http/body.h"
#include "proxyd/core/http/own_answer.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/intake.h"
#include "proxyd/core/reload/inject.h"
#include "proxyd/core/request_records.h"
#include "proxyd/core/steps.h"
#include "proxyd/core/switchboard.h"
#include "proxyd/core/target.h"
#include "proxyd/downstream.h"
#include "proxyd/pool.h"
#include "proxyd/pump.h"
#include "proxyd/upstream.h"

namespace hpp::proxyd {

class Client;

// The state of a client that is only needed during a request, not while the connection is idle.
struct RequestReader {
  explicit RequestReader(SplicePipes& pipes) : pump(pipes) {}

  RequestParser parser;
  RequestBody body{parser};
  BodyPump pump;
  std::string head;            // the request's head, as the backend gets it
  std::uint64_t record = 0;    // the request's number in the records; 0: it is not kept
  std::uint64_t answered = 0;  // bytes of the answer's body that had passed at the last deadline
  Provenance provenance;       // as of the time when the request was forwarded
  std::int64_t forwarded_at_ms = 0;  // since the Unix epoch
  std::optional<Page> page;   // the page that the user navigates to, if it may get hpp's script
  bool has_variants = false;  // as in Intake
};

// A backend with the connections to it.
struct PooledTarget : Target {
  Pool pool;
};

// The state that all clients share. The daemon owns it, and it outlives the clients.
struct ClientContext {
  Loop& loop;
  SplicePipes pipes;
  PooledTarget target;
  Switchboard switchboard;
  std::optional<Milliseconds> queue_timeout;
  std::vector<std::unique_ptr<RequestReader>> idle_readers;
  IntakeRules intake;
  RequestRecords records;
  std::bitset<kObstacleKinds> logged_obstacles;  // the kinds of obstacles to hpp's script
  NoticeLog notices;                             // the notices that were logged
  std::function<void(log::Level, const std::string&)> report;  // logs a line of core/failure_log.h
  bool expose_errors;  // whether clients on other machines get the backend's output, too
  // Returns what opens the place of the backend's error (core/editor.h).
  std::function<std::string(const bus::BackendState&)> editor_target;
  // The backend of this generation has crashed, and it had this request: `GET /x`.
  std::function<void(std::uint64_t, const std::string&)> on_crash;
  std::function<void(const Switchboard::Effects&)> perform;  // performs the switchboard's effects
  std::function<void()> read_bus;  // handles the messages that have arrived on the bus
  // Looks into watchd's queues of changes (change_queues.h).
  std::function<std::optional<bus::IdlePoint>()> look_at_queues;
  // Returns the answer of one of hpp's own endpoints.
  std::function<OwnAnswer(const AnswerOwn&, const RequestFacts&)> answer_endpoint;
  // Gives the client's connection to LiveReload. The client is destroyed at the end of the turn.
  std::function<void(Client&, Stream&, const HandOver&)> hand_over;
  std::function<void(Client&)> on_closed;  // the client may be destroyed at the end of the turn
};

class Client final : private StreamListener, private UpstreamListener {
 public:
  // `place` belongs to the switchboard and must outlive the client.
  Client(ClientContext& context, Switchboard::Place& place, UniqueFd connection,
         const SocketAddress& peer);

  // Asks the gate again, because the tree or the backend has changed.
  void reconsider();

  bool is_closed() const { return connection_.phase() == Phase::Closed; }

  ConnectionId id() const { return place_.connection; }

 private:
  template <class Shell>
  friend bool try_steps(Phase phase, Shell&& shell);

  // The backend of the current request. If there were several, the intake would choose it.
  PooledTarget& target() { return context_.target; }

  void on_input() override { work(); }

  void on_input_ended() override { work(); }

  void on_end_in_sight() override;

  void on_output_progress() override { work(); }

  void on_broken(int error) override;
  void on_upstream_opened() override;

  void on_upstream_input() override { work(); }

  void on_upstream_ended() override { work(); }

  void on_upstream_progress() override { work(); }

  void on_upstream_broken() override;

  void work();
  void flush_all();
  bool writes_much() const;
  void advance();
  Wires look() const;
  bool report(const std::optional<Event>& event);
  bool read_request(const Wires& wires);
  bool pump_request();
  bool read_response(const Wires& wires);
  bool await_body(const ResponseFacts& facts, const Wires& wires);
  bool pump_response();
  bool pump_tunnel();
  bool report_client_end(const Wires& wires);
  bool drain();
  bool flush();
  void release_idle_memory();
  void update_queue();
  void set_timer();
  void expire_after(std::chrono::microseconds delay);
  void on_expired();
  bool answer_flows();
  bool request_comes();
  void begin_request();
  void end_request();
  void send_request();
  void report_obstacle(const Obstacle& obstacle);
  void note_defects(const Defects& defects);
  std::string shown_request();
  void give_notice(const std::optional<Notice>& notice);
  void end_record(RequestRecord::End end, int status = 0);
  void close();

  void handle(const Event& event);
  void perform(const AskGate& effect);
  void perform(const ForwardRequest& effect);
  void perform(const DropUpstream& effect);
  void perform(const ReleaseUpstream& effect);
  void perform(const PassResponseHead& effect);
  void perform(const EndResponse& effect);
  void perform(const Answer& effect);
  void perform(const AnswerOwn& effect);
  void perform(const HandOver& effect);
  void perform(const ReadNext& effect);
  void perform(const FinishClient& effect);
  void perform(const CutClient& effect);

  ClientContext& context_;
  Switchboard::Place& place_;
  Stream stream_;
  Downstream downstream_;
  Peer peer_;
  Connection connection_;
  std::unique_ptr<RequestReader> request_;  // nullptr between requests
  std::unique_ptr<Upstream> upstream_;
  std::unique_ptr<Timer> timer_;  // nullptr: no deadline was needed since the last request
  Farewell farewell_;
  TimePoint closes_at_{};    // Finishing: the time that timer_ is set to
  bool will_flush_ = false;  // flush_all() runs at the end of this turn of the loop
};

}  // namespace hpp::proxyd
