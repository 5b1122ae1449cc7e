// Pure. One HTTP/1 connection of a client, request by request.
//
//                      ┌──────── the answer is complete, keep-alive ────────┐
//                      ▼                                                    │
//   ──accept──► Reading ──request──► Held … Tunnel (request.h) ─────────────┤
//                │                          │                               │
//       malformed, hang-up                  │ answered by hpp, or cut       │ close
//                ▼                          ▼                               │
//            Finishing ◄────────────────────┴───────────────────────────────┘
//                └──► Closed
//
// Reading    Between two requests, without a limit in time; or a part of a request's head has
//            arrived, which must be complete within kHeadWait. If responses may have changed, the
//            connection is *outdated*: it ends after the answer to its next request, or after
//            kOutdatedIdleMax without a request.
// Finishing  The last answer is being written. Then hpp sends a FIN, and discards what arrives
//            until the client's FIN (farewell.h); not if the client has announced that it sends
//            nothing more.
//
// A request for hpp itself (own_endpoints.h) is answered from Reading, whatever the backend does,
// or, if it waits at the gate, from Held. If it opens LiveReload's WebSocket, the connection is
// handed over, and this object is Closed.
//
// An answer of hpp's own (503, 502, 400) always ends the connection, because the request's body may
// not have been read, and the answer will soon be untrue.
//
// An outdated connection is not closed at once, because its next request may be on its way, and a
// client cannot repeat every request. That request gets no old answer, because it waits at the
// barrier like any other.
#pragma once

#include <chrono>
#include <cstdint>
#include <forward_list>
#include <optional>

#include "proxyd/core/deadline.h"
#include "proxyd/core/events.h"
#include "proxyd/core/request.h"

namespace hpp::proxyd {

// How long a request's head may take from its first byte.
constexpr std::chrono::milliseconds kHeadWait{60'000};
// How long the connection of a client may stay idle when responses may have changed.
constexpr std::chrono::milliseconds kOutdatedIdleMax{5000};

class Connection {
 public:
  Connection() = default;

  // `queue_timeout`: how long a request may be Held in total; nothing: without a limit.
  explicit Connection(std::optional<std::chrono::milliseconds> queue_timeout)
      : queue_timeout_(queue_timeout) {}

  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  Phase phase() const { return has_request() ? request()->phase() : phase_; }

  // Returns the question for the gate. Nothing: the gate does not decide about this connection now.
  std::optional<Query> query() const;

  // When to report TimerExpired.
  const std::optional<TimePoint>& wake_at() const { return deadline().at(); }

  // Whether wake_at() has come. A timer may fire some milliseconds early (coarse clock), or in the
  // turn in which another event has moved its time. The shell must then only start it again.
  bool is_due(TimePoint now) const { return deadline().is_due(now); }

  // The request's facts, as far as its head is known.
  const RequestFacts& facts() const { return facts_; }

  // The request under way; nullptr: there is none.
  const Request* request() const { return has_request() ? &request_.front() : nullptr; }

  bool keeps_head() const { return has_request() && request()->keeps_head(); }

 private:
  Effects handle(const RequestBegun& event, TimePoint now);
  Effects handle(const RequestArrived& event, TimePoint now);
  Effects handle(const RequestRefused& event, TimePoint now);
  Effects handle(const ClientEnded& event, TimePoint now);
  Effects handle(const ClientBroken& event, TimePoint now);
  Effects handle(const Judged& event, TimePoint now);
  Effects handle(const TimerExpired& event, TimePoint now);

  // Some events arrive after the request is over.
  template <class RequestEvent>
  Effects handle(const RequestEvent& event, TimePoint now) {
    return has_request() ? pass(event, now) : Effects{};
  }

  // Passes an event to the request under way, and goes on after its end.
  template <class RequestEvent>
  Effects pass(const RequestEvent& event, TimePoint now) {
    Effects effects = request_.front().on(event, now);
    if (request()->outcome()) end_request(effects);
    return effects;
  }

  bool has_request() const { return !request_.empty(); }

  const Deadline& deadline() const { return has_request() ? request()->deadline() : deadline_; }

  void end_request(Effects& effects);
  Effects refuse(int status, std::string why, std::string_view allow = {});
  FinishClient finish(bool lingers = true);
  void enter(Phase next);

  std::optional<std::chrono::milliseconds> queue_timeout_;
  Phase phase_ = Phase::Reading;  // valid while no request is under way
  bool head_begun_ = false;       // Reading: a part of the next request's head has arrived
  bool is_outdated_ = false;      // responses may have changed since the last answer
  RequestFacts facts_;
  // The request under way, if there is one. An empty list takes 8 bytes, and thousands of
  // connections may be idle.
  std::forward_list<Request> request_;
  std::uint64_t generation_ = 0;  // the generation that answered the last request; 0: none
  Deadline deadline_;             // Reading
};

}  // namespace hpp::proxyd
