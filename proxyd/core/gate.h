// Pure. Decides what happens to a request: it waits, goes to the backend, or is answered by proxyd.
//
// The decision depends on supervisord's latest report about the backend and on what the barrier
// (barrier.h) knows about the files. There is one gate per backend, and one barrier for all gates.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "common/bus/messages.h"
#include "proxyd/core/barrier.h"

namespace hpp::proxyd {

// Where a request stands when the gate is asked, with the facts that count there. `generation` is
// the generation of the backend that has, or last had, a request of this client.
namespace situation {

// Between requests. Generation 0: no backend has served this client yet.
struct Idle {
  std::uint64_t generation = 0;
};

// The request's head is complete, and no backend has the request.
struct Waiting {
  std::uint64_t ticket = 0;             // watchd's answer says how new the backend has to be
  std::optional<bus::TreePoint> needs;  // `needs` of an earlier judgement, if it was set
  bool is_shut_out = false;             // the request is not in the queue, and the queue is full
  bool was_forwarded = false;           // it was in the queue before, and a kill brought it back
};

// A backend has the request, or a part of it, and has not begun to answer.
struct Sent {
  std::uint64_t generation = 0;
  bool repeatable = false;  // the request is safe, and hpp still has all of it; or none was sent
};

// The request was Sent, and the connection to the backend is gone.
struct Lost {
  std::uint64_t generation = 0;
  bool repeatable = false;
  bool reused = false;   // the connection had served another request before
  bool expired = false;  // kDecisionWait has passed
};

// The answer has begun, or the connection is a tunnel after a 101.
struct Begun {
  std::uint64_t generation = 0;
};

// The backend's connection has ended, which the framing makes the end of the answer; or both sides
// have ended a tunnel.
struct Ended {
  std::uint64_t generation = 0;
  bool repeatable = false;
  bool expired = false;         // kDecisionWait has passed
  bool nothing_passed = false;  // the client has received nothing of the answer yet
  // The liveness check whose answer says whether the backend was killed; 0: none has been begun.
  std::uint64_t check = 0;
};

}  // namespace situation

using Query = std::variant<situation::Idle, situation::Waiting, situation::Sent, situation::Lost,
                           situation::Begun, situation::Ended>;

enum class Decision {
  Stay,        // change nothing
  Forward,     // Waiting: send the request to the backend. Lost: send it to the backend again, on
               // another connection
  Hold,        // Sent, Lost, Ended: take the request back, wait, then send it to the next backend
  Crashed,     // answer 503, and say how the backend ended
  Unrepeated,  // answer 503, and say that the request was lost with the old backend, and why hpp
               // does not repeat it
  BadGateway,  // answer 502: the backend runs but did not answer
  Complete,    // Ended: the answer is complete, because no kill has ended the connection
  QueueFull,   // answer 503: too many requests wait already
  Close,       // end the client's connection: if Idle, soon and in order; otherwise at once
};

std::string_view to_string(Decision decision);

struct Judgement {
  Decision decision = Decision::Stay;
  std::uint64_t generation = 0;  // the generation of the backend that the decision is about
  // Waiting: the oldest tree with which a backend may answer; nothing if that is not known yet.
  // Once set, it does not change any more. Otherwise files that change without a pause would make
  // the request wait forever.
  std::optional<bus::TreePoint> needs;
  // Ended: the liveness check that decides the case. The next Query must contain it.
  std::uint64_t check = 0;

  bool operator==(const Judgement&) const = default;
};

// The table of all decisions. Rows: the situation; columns: the backend's state.
//
//              Loading, Killing, unknown │ Running                   │ Error
//   ───────────┬────────────────────────┼───────────────────────────┼──────────────────────────
//   Idle       │ Close if it was served │ Close if an older         │ Close if it was served
//              │ by any generation      │ generation served it      │ by any generation
//   Waiting    │ Stay                   │ Forward, or Stay until    │ Crashed, or Stay until
//              │                        │ the backend is new enough │ the report is new enough
//              │ QueueFull instead of Stay, if is_shut_out and not was_forwarded. But a request
//              │ that waits only for the answer to its ticket, while a backend runs, gets Stay.
//   Sent, Lost │ Hold if repeatable,    │ as in Loading if the      │ Crashed, or as in Loading
//              │ else Unrepeated        │ generation is newer;      │ if the generation is newer
//              │                        │ Lost: else see below      │
//   Begun      │ Close                  │ Close if the generation   │ Close
//              │                        │ is newer                  │
//   Ended      │ Close                  │ Close if the generation   │ Close
//              │                        │ is newer; else see below  │
//              │ the decision for Sent instead of Close, if nothing_passed
//
// New enough: the barrier knows which tree the request needs, and the backend has at least that
// tree. If the barrier is not strict, the request needs the newest tree that is known. If the
// backend's tree has another epoch, supervisord will soon restart the backend or report that it has
// the needed tree. A strict barrier waits for that. In Error, the tree that counts is the one that
// supervisord has seen: a newer change will start another backend.
//
// While hpp is paused, a change that supervisord has only noted (BackendState::noted) counts as one
// that the backend has, because nothing will come of waiting for it.
//
// Generation 0 in Idle means that no backend has served this client, so it has nothing outdated.
//
// Lost, but the bus still says that this generation is Running: when a backend dies,
// proxyd sees the end of the connection before supervisord's report arrives. Therefore the decision
// is Stay until the report arrives or kDecisionWait has passed. After that the backend is taken to
// run and to have dropped the request: BadGateway. Without a supervisor there will be no report,
// and the decision is BadGateway at once. A *reused* connection that ends before the answer was
// probably closed by the backend because it was idle, at the moment when the request was sent (RFC
// 9112 §9.3.1). Therefore a repeatable request is sent again at once.
//
// Ended: a kill ends connections, too, and would make a truncated answer look complete. supervisord
// publishes a kill before it sends the signal, but the message and the end of the connection arrive
// on different channels. Therefore proxyd asks supervisord with a liveness check; all earlier
// reports arrive before its answer. The decision is Stay until the answer, and Complete if the
// backend still runs then, or if there is no answer within kDecisionWait.
class Gate {
 public:
  // Returns a gate for a backend without a supervisord, which always runs: `--assume-running`.
  static Gate assuming_running();

  // `epoch`: identifies this gate's liveness checks; no other proxyd may have used it.
  explicit Gate(std::uint64_t epoch) : checks_{.epoch = epoch, .number = 0} {}

  // Uses epoch 0: for tests, and for a gate that publishes no liveness checks.
  Gate() = default;

  void on(const bus::BackendState& backend) { backend_ = backend; }

  Judgement judge(const Query& query, const Barrier& barrier) const;

  // Begins a liveness check for an answer that has Ended, and returns its number, or 0 if there is
  // no supervisord to ask. The caller publishes newest_check().
  std::uint64_t begin_check() { return is_supervised_ ? ++checks_.number : 0; }

  const bus::Ticket& newest_check() const { return checks_; }

  // Whether a supervisord reports the backend's state. False with `--assume-running`.
  bool is_supervised() const { return is_supervised_; }

  // Returns the newest generation that supervisord has reported as ended.
  std::uint64_t ended_generation() const;

  // Returns supervisord's latest report; nothing before the first one.
  const std::optional<bus::BackendState>& backend() const { return backend_; }

 private:
  std::uint64_t generation() const { return backend_ ? backend_->generation : 0; }

  bool is_running(std::uint64_t generation) const;
  Decision decide(const situation::Idle& idle) const;
  Decision decide(const situation::Waiting& waiting, const std::optional<bus::TreePoint>& needs,
                  bool is_strict) const;
  Decision decide(const situation::Sent& sent) const;
  Decision decide(const situation::Lost& lost) const;
  Decision decide(const situation::Begun& begun) const;
  Decision decide(const situation::Ended& ended) const;

  bool is_supervised_ = true;
  bus::Ticket checks_;  // the newest liveness check
  std::optional<bus::BackendState> backend_;
};

}  // namespace hpp::proxyd
