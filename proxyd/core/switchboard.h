// Pure. Decides for all client connections together: the order in which their requests arrived, the
// queue of the requests that wait, and the state that proxyd publishes.
//
//   a request arrives ──► arrive()       its place in the order, and its ticket of the barrier
//   its exchange asks ──► judge()        the gate's decision. QueueFull if it is not in the queue,
//                                        and the queue is full. An answer that has Ended gets a
//                                        liveness check (gate.h).
//   it is Held, or not ─► set_waiting()  it is in the queue for as long as it is Held
//   a backend gets it ──► forward()      it is counted
//   news on the bus ────► on()           which requests ask again, in their order of arrival
//
// The news of the tree concerns the queue alone; the news of the backend concerns all connections.
//
// Tickets, liveness checks and `let_go` are published by ask(). It is called once per turn of the
// loop, after everything else: the requests of one turn share a ticket, and each message costs
// watchd and supervisord time. The counts are for people, and change with each request: they are
// published every kCountInterval at most.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "common/bus/messages.h"
#include "proxyd/core/barrier.h"
#include "proxyd/core/effect_list.h"
#include "proxyd/core/gate.h"

namespace hpp::proxyd {

constexpr std::chrono::milliseconds kCountInterval{1000};
// How long proxyd waits for supervisord's first report before it says that requests wait for it.
// supervisord reports some ten milliseconds after proxyd has started.
constexpr std::chrono::milliseconds kSupervisorPatience{3000};

using ConnectionId = std::uint64_t;  // a client connection; 0: none

class Switchboard {
 public:
  // What it knows of one connection.
  struct Place {
    ConnectionId connection = 0;
    std::uint64_t arrival = 0;    // its newest request among those of all connections
    std::uint64_t ticket = 0;     // of that request
    std::uint64_t queued_as = 0;  // its arrival; 0: it is not in the queue
    bool was_forwarded = false;   // a backend has, or had, that request
  };

  // ---- effects ----

  struct AskSoon {};  // call ask() when everything else that can be done now is done

  struct CountSoon {};  // call count() after kCountInterval

  struct Publish {};  // publish state(), if it differs from what was published last

  struct Reconsider {  // ask the gate again for each of them, in this order
    std::vector<ConnectionId> connections;
  };

  struct Say {  // a line of the log: a trouble, or that it is over
    bool is_warning = false;
    const char* text = "";
  };

  using Effect = std::variant<AskSoon, CountSoon, Publish, Reconsider, Say>;
  using Effects = EffectList<Effect, 6>;

  struct Ruling {
    Judgement judgement;
    Effects effects;  // to be performed first
  };

  // `queue_limit`: how many requests may wait.
  Switchboard(Gate gate, const Barrier::Settings& barrier, std::size_t queue_limit)
      : gate_(std::move(gate)), barrier_(barrier), queue_limit_(queue_limit) {}

  // ---- connections and their requests ----

  // The number must be new.
  [[nodiscard]] Effects connect(ConnectionId connection);

  // The connection's place, until it is forgotten.
  Place& place(ConnectionId connection) { return places_.at(connection); }

  [[nodiscard]] Effects forget(ConnectionId connection);

  // The head of its next request is complete. `is_judged`: it waits at the gate.
  [[nodiscard]] Effects arrive(Place& place, bool is_judged, TimePoint now);

  Ruling judge(const Place& place, Query query);

  void set_waiting(Place& place, bool waits);

  // A backend gets the request.
  void forward(Place& place);

  // ---- news ----

  [[nodiscard]] Effects on(const bus::TreeState& tree, TimePoint now);
  [[nodiscard]] Effects on(const bus::BackendState& backend);

  // kSupervisorPatience has passed since the start.
  [[nodiscard]] Effects on_supervisor_overdue();

  // ---- what is published ----

  // Also to be called when wake_at() has come. `has_closes`: connections to the backend wait to be
  // closed, so that no generation can be let go yet.
  [[nodiscard]] Effects ask(bool has_closes, TimePoint now);

  std::optional<TimePoint> wake_at() const { return barrier_.wake_at(); }

  [[nodiscard]] Effects count();

  // Addresses, as text.
  void listens_on(std::vector<std::string> addresses) { state_.listening = std::move(addresses); }

  // What is to be published.
  const bus::ProxyState& state() const { return state_; }

  // The same, with the counts of this moment.
  bus::ProxyState state_now() const;

  // ---- what is known ----

  const Gate& gate() const { return gate_; }

  const Barrier& barrier() const { return barrier_; }

  std::size_t waiting() const { return queue_.size(); }

  // When a change of the files was last heard of; nothing: never.
  std::optional<TimePoint> changed_at() const { return changed_at_; }

 private:
  void ask_soon(Effects& effects);
  void count_soon(Effects& effects);
  void report_lapse(Effects& effects);
  void report_silence(Effects& effects, bool is_silent);
  void report(Effects& effects, bool& reported, bool is_there, const char* trouble,
              const char* end);
  Reconsider reconsider_queue() const;
  Reconsider reconsider_all() const;

  Gate gate_;
  Barrier barrier_;
  std::size_t queue_limit_;
  std::unordered_map<ConnectionId, Place> places_;
  std::map<std::uint64_t, ConnectionId> queue_;  // by arrival
  std::uint64_t next_arrival_ = 1;
  std::uint64_t forwarded_ = 0;
  std::uint64_t replayed_ = 0;
  bus::ProxyState state_;
  std::optional<TimePoint> changed_at_;
  bool asks_soon_ = false;
  bool counts_soon_ = false;
  bool has_reported_lapse_ = false;
  bool has_reported_silence_ = false;  // supervisord's
};

}  // namespace hpp::proxyd
