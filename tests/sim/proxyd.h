// proxyd: the real Switchboard, RefreshRule and one Connection for each client, in a shell like
// proxyd/daemon.cc and client.cc, with the same names in the same order. Its sockets carry requests
// and parts of answers instead of bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "proxyd/core/connection.h"
#include "proxyd/core/farewell.h"
#include "proxyd/core/reload/livereload.h"
#include "proxyd/core/steps.h"
#include "proxyd/core/switchboard.h"
#include "tests/sim/bus.h"
#include "tests/sim/crash.h"
#include "tests/sim/files.h"
#include "tests/sim/idle_reports.h"
#include "tests/sim/processes.h"
#include "tests/sim/request.h"
#include "tests/sim/world.h"

namespace hpp::sim {

// A message from a client.
struct FromClient {
  enum class Is { PartOfHead, Head, Body };

  Is is = Is::Head;
  Request* request = nullptr;
};

// A message to a client.
struct ToClient {
  enum class Is { Interim, Head, End, Fin, Cut };

  Is is = Is::Head;
  Request* request = nullptr;
  int status = 0;
  const Process* process = nullptr;  // nullptr: proxyd's own answer
  bool closes = false;               // the head says that the connection ends with this answer
  bool loads_again = false;          // the answer is a page that loads itself again
};

class Proxyd final : public Mortal {
 public:
  Proxyd(World& world, Bus& bus, Files& files, Processes& processes, IdleReports& idle_reports);

  void start() override;
  void die() override;

  bool is_alive() const override { return switchboard_.has_value(); }

  // ---- what clients do ----

  using OnNews = std::function<void(const ToClient& news)>;

  // Returns the number of the connection, or 0 if proxyd does not run.
  std::uint64_t connect(OnNews on_news);
  void send(std::uint64_t connection, FromClient what);
  void send_fin(std::uint64_t connection);
  void reset(std::uint64_t connection);

  // Called when browsers should reload, and when their connection has ended.
  std::function<void()> on_reload;

  // Whether the newest report says that the backend runs or has failed.
  bool has_decision() const;

  // Simulate the buttons of /__hpp/.
  void request_restart();
  void request_pause(bool begins);

  // The newest request of a browser for a restart; without an epoch if there was none.
  bus::Ticket restart_asked() const {
    return switchboard_ ? switchboard_->state().restart : bus::Ticket{};
  }

  // Number of waiting requests.
  std::size_t held() const { return target_.queue.size(); }

 private:
  using Switchboard = proxyd::Switchboard;

  struct Client {
    explicit Client(Switchboard::Place& in_order) : place(in_order) {}

    Switchboard::Place& place;
    OnNews on_news;
    proxyd::Connection connection;
    std::deque<FromClient> input;
    bool has_fin = false;
    bool has_reset = false;
    Request* request = nullptr;
    LinkPointer upstream;
    bool body_is_over = true;
    proxyd::ResponseFacts response;
    proxyd::Farewell farewell;
    TimePoint closes_at{};
    bool has_finished = false;         // the last answer is sent, or there will be none
    bool head_is_sent = false;         // the request's head was sent on `upstream`
    bool is_answering = false;         // the client has the head, but not the end of the answer
    bool fin_is_passed = false;        // the backend's FIN of a tunnel was passed on
    bool fin_is_given = false;         // the client's FIN of a tunnel was passed on
    bool is_in_the_dark = false;       // no answer to the liveness check
    const Process* process = nullptr;  // the answer's author
    std::uint64_t timer = 0;
    std::uint64_t answered = 0;
    std::uint64_t passed = 0;
    TimePoint to_client{};
    TimePoint from_client{};

    std::uint64_t number() const { return place.connection; }

    bool is_closed() const { return connection.phase() == proxyd::Phase::Closed; }

    bool input_ended() const { return has_fin && input.empty(); }

    bool is_open() const { return upstream && upstream->process != nullptr; }
  };

  // ---- as proxyd::Daemon ----

  void on_message(const bus::Message& message);
  void on_tree(const bus::TreeState& tree);
  void on_backend(bus::BackendState backend);
  void perform(const Switchboard::Effects& effects);
  void perform(const Switchboard::AskSoon& effect);
  void perform(const Switchboard::CountSoon& effect);
  void perform(const Switchboard::Publish& effect);
  void perform(const Switchboard::Reconsider& effect);
  void perform(const Switchboard::Say& effect);
  void after(Micros delay, void (Proxyd::*happens)());
  void ask();
  void count();

  // ---- as proxyd::Client ----

  struct Steps;

  Client* find(std::uint64_t number);
  void reconsider(Client& client);
  void on_upstream(const LinkPointer& link);
  void work(Client& client);
  static proxyd::Wires look(const Client& client);
  bool report(Client& client, const std::optional<proxyd::Event>& event);
  bool read_request(Client& client, const proxyd::Wires& wires);
  bool pump_request(Client& client);
  bool read_response(Client& client, const proxyd::Wires& wires);
  bool pump_response(Client& client);
  bool pump_tunnel(Client& client);
  bool report_client_end(Client& client, const proxyd::Wires& wires);
  bool drain(Client& client);
  void set_timer(Client& client);
  void expire_after(Client& client, Micros delay);
  void on_expired(Client& client);
  void send_request(Client& client);
  void close(Client& client);
  void tell(Client& client, ToClient news);

  void handle(Client& client, const proxyd::Event& event);
  void die_next();
  void perform(Client& client, const proxyd::AskGate&);
  void perform(Client& client, const proxyd::ForwardRequest& effect);
  void perform(Client& client, const proxyd::DropUpstream&);
  void perform(Client& client, const proxyd::ReleaseUpstream&);
  void perform(Client& client, const proxyd::PassResponseHead& effect);
  void perform(Client& client, const proxyd::EndResponse&);
  void perform(Client& client, const proxyd::Answer& effect);

  // No simulated client sends a request to hpp itself.
  void perform(Client&, const proxyd::AnswerOwn&) {}

  void perform(Client&, const proxyd::HandOver&) {}

  void perform(Client& client, const proxyd::ReadNext&);
  void perform(Client& client, const proxyd::FinishClient& effect);
  void perform(Client& client, const proxyd::CutClient&);

  // ---- as proxyd::Pool ----

  LinkPointer take_link(bool fresh);

  // ---- invariants ----

  void note_needs(Request& request);
  void note_watch(const bus::TreeState& tree);
  bool is_watch_awaited() const;
  bool is_strict();
  void note_forward(Client& client);
  void check_no_request_waits_in_vain();
  void check_complete(const Client& client);
  void check_refusal(const Client& client, const proxyd::Answer& answer);
  void check_cut(const Client& client);
  void check_barrier();

  const proxyd::Gate& gate() const { return target_.gate; }

  World& world_;
  Bus& bus_;
  Files& files_;
  Processes& processes_;
  IdleReports& idle_reports_;
  proxyd::Target target_;
  std::optional<proxyd::Switchboard> switchboard_;
  proxyd::RefreshRule refresh_;
  std::map<std::uint64_t, std::unique_ptr<Client>> clients_;
  std::vector<LinkPointer> idle_;
  std::optional<bus::TreeState> tree_;  // the newest message
  std::optional<TimePoint> lost_at_;    // when watchd lost its watch; requests wait for it
  std::uint64_t incarnation_ = 0;
  bool is_dying_ = false;  // does nothing any more; die() follows when no caller uses a client
  std::uint64_t next_number_ = 1;
  std::uint64_t barrier_timer_ = 0;
};

}  // namespace hpp::sim
