// Pure. Keeps the state that all client connections share: the order in which their requests
// arrived, their places in the queues, the barrier, and the state that proxyd publishes.
//
//   a request arrives ──────────► arrive()       assigns its target (target.h), its place in the
//                                                order, and its ticket
//   a request asks the gate ────► judge()        returns the gate's decision: QueueFull only if the
//                                                request is not queued and the queue is full.
//                                                Begins the liveness check (gate.h) for an answer
//                                                that has Ended.
//   a request is Held, or not ──► set_waiting()  puts it into the queue, or removes it
//   a backend gets a request ───► forward()      counts it
//   a report comes on the bus ──► on()           returns which connections must ask the gate again,
//                                                in the order of arrival
//
// A report about the tree concerns only the requests in the queue; a report about a backend
// concerns all connections that have sent a request for it.
//
// ask() publishes tickets, liveness checks and `released`. It is called once per turn of the loop,
// after everything else, so that the requests of one turn share a ticket: each message costs watchd
// and supervisord time. The counts change with each request but are only meant for people, so they
// are published at most once per kCountInterval.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "common/bus/messages.h"
#include "proxyd/core/barrier.h"
#include "proxyd/core/effect_list.h"
#include "proxyd/core/gate.h"
#include "proxyd/core/target.h"

namespace hpp::proxyd {

constexpr std::chrono::milliseconds kCountInterval{1000};
// How long proxyd waits for supervisord's first report before it says that requests wait for it.
// supervisord reports some ten milliseconds after proxyd has started.
constexpr std::chrono::milliseconds kSupervisorPatience{3000};

class Switchboard {
 public:
  // One client connection, and its newest request.
  struct Place {
    ConnectionId connection = 0;
    Target* target = nullptr;    // the request's backend; nullptr: no request has arrived
    std::uint64_t arrival = 0;   // the request's number among all requests
    std::uint64_t ticket = 0;    // the request's ticket; 0: it has none
    bool is_queued = false;      // the request is in the target's queue
    bool was_forwarded = false;  // a backend has, or had, the request
  };

  // ---- effects ----

  struct AskSoon {};  // call ask() at the end of this turn of the loop

  struct CountSoon {};  // call count() after kCountInterval

  struct Publish {};  // publish state() if it has changed since the last time

  struct Reconsider {  // let these connections ask the gate again, in this order
    std::vector<ConnectionId> connections;
  };

  struct Say {  // log a problem, or the end of a problem
    bool is_warning = false;
    const char* text = "";
  };

  using Effect = std::variant<AskSoon, CountSoon, Publish, Reconsider, Say>;
  using Effects = EffectList<Effect, 6>;

  struct Ruling {
    Judgement judgement;
    Effects effects;  // must be performed before the judgement is used
  };

  // `target`: the backend whose state proxyd publishes. Must outlive the switchboard.
  Switchboard(Target& target, const Barrier::Settings& barrier)
      : target_(target), epoch_(barrier.epoch), barrier_(barrier) {}

  // ---- connections and their requests ----

  // `connection` must be a new number.
  [[nodiscard]] Effects connect(ConnectionId connection);

  // Returns the connection's place, which is valid until forget().
  Place& place(ConnectionId connection) { return places_.at(connection); }

  [[nodiscard]] Effects forget(ConnectionId connection);

  // The head of the connection's next request is complete. `is_judged`: it waits at the gate of
  // its target. `idle`: see Barrier::take().
  [[nodiscard]] Effects arrive(Place& place, Target& target, bool is_judged, TimePoint now,
                               const std::optional<bus::IdlePoint>& idle = {});

  // A request must have arrived.
  Ruling judge(const Place& place, Query query);

  void set_waiting(Place& place, bool waits);

  // The request is sent to a backend.
  void forward(Place& place);

  // The target's backend of this generation has crashed, and it had the request `shown`: `GET /x`.
  [[nodiscard]] Effects crash(Target& target, std::uint64_t generation, const std::string& shown);

  // A browser asks for a restart of the target's backend. Does nothing if no supervisor reports.
  [[nodiscard]] Effects request_restart();

  // A browser asks hpp to begin or end a pause. Does nothing if no supervisor reports.
  [[nodiscard]] Effects request_pause(bool begins);

  // ---- reports ----

  [[nodiscard]] Effects on(const bus::TreeState& tree, TimePoint now);
  [[nodiscard]] Effects on(Target& target, const bus::BackendState& backend);

  // kSupervisorPatience has passed since the start.
  [[nodiscard]] Effects on_supervisor_overdue();

  // ---- what is published ----

  // Must also be called when the time wake_at() has come. `has_closes`: connections to the backend
  // still wait to be closed, so no generation can be reported as released yet.
  [[nodiscard]] Effects ask(bool has_closes, TimePoint now);

  std::optional<TimePoint> wake_at() const { return barrier_.wake_at(); }

  [[nodiscard]] Effects count();

  // Sets the addresses that proxyd listens on, as text, and the URL of the site.
  void listens_on(std::vector<std::string> addresses, std::string url) {
    state_.listening = std::move(addresses);
    state_.url = std::move(url);
  }

  // Returns the state to publish.
  const bus::ProxyState& state() const { return state_; }

  // Returns the state to publish, with the current counts.
  bus::ProxyState state_now() const;

  // ---- what is known ----

  const Barrier& barrier() const { return barrier_; }

  // Returns when watchd last reported a change of the files; nothing: it has reported none.
  std::optional<TimePoint> changed_at() const { return changed_at_; }

 private:
  void ask_soon(Effects& effects);
  void count_soon(Effects& effects);
  void report_lapse(Effects& effects);
  void report_silence(Effects& effects, bool is_silent);
  void report(Effects& effects, bool& reported, bool is_there, const char* trouble,
              const char* end);
  Reconsider reconsider_queue() const;
  Reconsider reconsider_all(const Target& target) const;

  Target& target_;
  std::uint64_t epoch_;  // identifies this proxyd's requests for a restart
  Barrier barrier_;
  std::unordered_map<ConnectionId, Place> places_;
  std::uint64_t next_arrival_ = 1;
  std::uint64_t forwarded_ = 0;
  std::uint64_t replayed_ = 0;
  bus::ProxyState state_;
  std::optional<TimePoint> changed_at_;
  bool asks_soon_ = false;
  bool counts_soon_ = false;
  bool has_reported_lapse_ = false;
  bool has_reported_silence_ = false;  // a warning says that supervisord does not report
};

}  // namespace hpp::proxyd
