// Pure. Decides what becomes of a request, given the newest news of the backend, and what the
// barrier (barrier.h) says about the files: it waits, goes to the backend, or is answered by the
// proxy.
//
// There is one gate per backend, and one barrier for all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/bus/messages.h"
#include "proxyd/core/barrier.h"

namespace hpp::proxyd {

// Where a client's exchange stands when the gate is asked.
enum class Situation {
  Idle,     // between requests
  Waiting,  // the request is complete but for its body, and no backend has it
  Sent,     // a backend has it (or some of it) and has not begun to answer
  Begun,    // the answer has begun
  Ended,    // it has ended with the backend's connection, as its framing has it
  Tunnel,   // after a 101
};

struct Query {
  Situation situation = Situation::Idle;
  std::uint64_t generation = 0;  // of the backend that has, or last had, this client's request
  bool repeatable = false;       // Sent, Ended: safe, and nothing of it is lost
  bool lost = false;             // Sent: the connection to the backend is gone
  bool reused = false;           // Sent: and it had served another request before
  bool expired = false;          // Ended; Sent, lost: kDecisionWait has passed
  bool nothing_passed = false;   // Ended: the client has got nothing of the answer yet
  std::uint64_t ticket = 0;      // Waiting: whose answer says how new the backend has to be. Ended:
                                 // the liveness check whose answer says whether the backend was
                                 // killed; 0: none has been begun
  std::optional<bus::TreePoint> needs;  // Waiting: so new, if an earlier judgement has said it
  bool is_shut_out = false;             // Waiting: it is not in the queue, and that is full
  bool was_sent = false;                // Waiting: a backend had it, and was killed
};

enum class Decision {
  Stay,        // as it is
  Forward,     // Waiting: give it to the backend. Sent: give it to the backend again, on a new
               // connection
  Hold,        // Sent: take it back, wait, then repeat it on the next backend
  Crashed,     // answer 503 with how the backend ended
  Unrepeated,  // answer 503: it was lost with the old backend, and why it was not repeated
  BadGateway,  // answer 502: the backend runs but did not answer
  Complete,    // Ended: nobody has cut it
  QueueFull,   // answer 503: too many wait already
  Close,       // end the client's connection: soon and in order if Idle, else cut it short
};

std::string_view to_string(Decision decision);

struct Judgement {
  Decision decision = Decision::Stay;
  std::uint64_t generation = 0;  // of the backend that the decision is about
  // Waiting: the tree that its backend has to know, as soon as that is settled. It does not change
  // any more, so that files which change without pause hold nobody for ever.
  std::optional<bus::TreePoint> needs;
  // Ended: the liveness check that will settle it, for the next Query.
  std::uint64_t check = 0;

  bool operator==(const Judgement&) const = default;
};

// The table of what users see. Rows: the situation; columns: the backend's state.
//
//              Loading, Killing, unknown │ Running                   │ Error
//   ───────────┬────────────────────────┼───────────────────────────┼──────────────────────────
//   Idle       │ Close if it was served │ Close if an older         │ Close if it was served
//              │ by any generation      │ generation served it      │ by any generation
//   Waiting    │ Stay                   │ Forward, or Stay until    │ Crashed, or Stay if a
//              │                        │ the backend is new enough │ change is not acted on
//              │                        │ QueueFull instead of Stay, if it is shut out
//              │                        │ and no backend has had it
//   Sent       │ Hold if repeatable,    │ as left if the generation │ Crashed
//              │ else Unrepeated        │ is newer; lost: see below │
//   Begun,     │ Close                  │ Close if the generation   │ Close
//   Tunnel     │                        │ is newer                  │
//   Ended      │ Close                  │ Close if the generation   │ Close
//              │                        │ is newer; else see below  │
//              │ as Sent instead of Close, if the client has got nothing of the answer yet
//
// New enough: the barrier (barrier.h) has told how the files stood when the request came, and the
// backend knows that tree. Where the barrier does not hold, the newest tree that is known counts.
// A backend that knows another epoch's tree is about to be restarted or declared to know this one:
// as long as the barrier holds, that is waited for.
//
// "Served" by generation 0 means not served: such a client has nothing that could be outdated.
//
// Sent and lost while the bus still says Running of the same generation: a backend that dies is
// seen here before supervisord's news of it arrives. So it stays as it is until the news comes or
// kDecisionWait has passed; then the backend runs and has dropped a request: BadGateway. Without a
// supervisor no news can come, and the decision is BadGateway at once. But a
// *reused* connection that is gone before the answer was most likely closed for idleness at the
// moment the request was sent (RFC 9112 §9.3.1): a repeatable request is sent again at once.
// Ended: a kill ends connections as well, and a part would pass for the whole. The news of a kill
// is on its way before the signal is, but that is another channel. So supervisord is asked, and its
// answer comes after all news before it: Stay until then, and Complete if it still runs, or if the
// answer has not come within kDecisionWait.
class Gate {
 public:
  // The state of a Gate that waits for no supervisord: `--assume-running`.
  static Gate assuming_running();

  // `epoch`: of its liveness checks; no other proxyd may ever have used it.
  explicit Gate(std::uint64_t epoch) : doubts_{.epoch = epoch, .number = 0} {}

  // With liveness checks of epoch 0: they are never published, or this is a test.
  Gate() = default;

  void on(const bus::BackendState& backend) { backend_ = backend; }

  Judgement judge(const Query& query, const Barrier& barrier) const;

  // A ticket for an answer that has Ended; it is to be published.
  std::uint64_t doubt() { return is_supervised_ ? ++doubts_.number : 0; }

  const bus::Ticket& newest_doubt() const { return doubts_; }

  // Whether a supervisord tells of the backend: false for a Gate that assumes it running.
  bool is_supervised() const { return is_supervised_; }

  // The newest generation whose end has been heard of.
  std::uint64_t ended_generation() const;

  // Nothing: supervisord has not been heard yet.
  const std::optional<bus::BackendState>& backend() const { return backend_; }

 private:
  std::uint64_t generation() const { return backend_ ? backend_->generation : 0; }

  bool is_running(std::uint64_t generation) const;
  Decision judge_idle(const Query& query) const;
  Decision judge_waiting(const Query& query, const std::optional<bus::TreePoint>& needs,
                         bool is_strict) const;
  Decision judge_sent(const Query& query) const;
  Decision judge_ended(const Query& query) const;

  bool is_supervised_ = true;
  bus::Ticket doubts_;  // the newest
  std::optional<bus::BackendState> backend_;
};

}  // namespace hpp::proxyd
