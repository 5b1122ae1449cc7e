// Pure. Decides for one client connection, request by request, how to handle each event on the
// client's connection and the backend's connection, and each decision of the gate.
//
// Body bytes do not pass through here. The shell moves them in the phases that allow it (steps.h).
//
//                   ┌──────────────── the answer is complete, keep-alive ───────────────────┐
//                   ▼                                                                       │
//   ──accept──► Reading ──request──► Held ──Forward──► Sent ──answer begins──► Answering ───┤
//                   │                 ▲ │                │                        │         │
//             malformed,              │ Crashed      lost│ ▲                 101  │   close │
//             hang-up                 │ │   ┌─Hold───────┤ │Forward               ▼         │
//                   │                 └─┼───┘            ▼ │ (again)            Tunnel      │
//                   │                   │              Doubtful                   │         │
//                   ▼                   ▼                │ Crashed, BadGateway    │         │
//                Finishing ◄────────────┴────────────────┴────────────────────────┴─────────┘
//                   └──► Closed
//
// Reading    The connection is between requests, without a time limit, or a request's head is
//            arriving, for at most kHeadWait. When responses may have changed, the connection
//            becomes *outdated*: hpp closes it after the answer to its next request, or after
//            kOutdatedIdleMax without a request.
// Held       The head is complete, and the request waits for the gate to forward it. Its body
//            stays in the client's connection meanwhile. If the queue is limited in length or time,
//            the request may get a 503.
// Sent       The request has a backend connection, or hpp is making one for it. The client has
//            received nothing of the answer except interim answers (1xx), which pass at once. If
//            the answer announces a body, its head is kept back until the body begins, for at most
//            kHeadKeptMax. Many servers send head and body separately; if a restart comes between
//            the two, the request can still be repeated.
// Doubtful   The backend connection is gone, and the exchange has asked the gate, which may wait
//            for a report (gate.h). If the connection had served a request before, hpp also closes
//            it when its first bytes are not an answer, because they may be the rest of the
//            previous answer. It then repeats the request once; the next connection's bytes count
//            as the answer. Otherwise the server could run the request on every idle connection.
// Answering  The answer is being passed to the client. The request cannot be repeated any more.
// Ending     The backend's connection has ended, which its framing makes the end of the answer. The
//            exchange has asked the gate whether a kill ended it. The answer is then completed or
//            cut, as in Answering. If only the head has come and is kept back, the request can
//            still be repeated, as in Doubtful.
// Tunnel     After a 101, bytes flow in both directions. Each direction ends separately.
// Finishing  hpp writes the last answer, sends its FIN, and discards the client's bytes until the
//            client's FIN (farewell.h). If the client has announced that it will send no more, hpp
//            does not wait for that FIN.
//
// A request for hpp itself (own_endpoints.h) is answered in Reading, in every state of the
// backend. If it waits at the gate, it is answered in Held, when another request would be
// forwarded. For a WebSocket of LiveReload, the exchange hands the connection over and is Closed.
//
// An answer of hpp's own (503, 502, 400) always ends the connection, because the request's body may
// not have been read, and because the answer will soon be outdated.
//
// An outdated connection is not closed at once, because the next request may already be on its way,
// and a client cannot repeat every request. That request does not get an old answer: it waits at
// the barrier like any other.
//
// A FIN does not mean that the client has gone. A script that half-closes its connection looks like
// a browser that leaves. The client gets its answer if the answer begins within kHalfCloseGrace of
// the FIN, and the rest as long as the answer keeps flowing. A held request that is not safe is not
// sent after the FIN, because its client may be gone. If the answer does not begin, the client gets
// a 503 that says why.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proxyd/core/barrier.h"
#include "proxyd/core/effect_list.h"
#include "proxyd/core/gate.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/own_endpoints.h"

namespace hpp::proxyd {

using TimePoint = std::chrono::steady_clock::time_point;

// How long to wait for supervisord's report after a backend connection has ended.
constexpr std::chrono::milliseconds kDecisionWait{250};
// How long a request's head may take from its first byte.
constexpr std::chrono::milliseconds kHeadWait{60'000};
// How long an outdated connection may stay idle.
constexpr std::chrono::milliseconds kOutdatedIdleMax{5000};
// How long the head of an answer is kept back if its body does not begin.
constexpr std::chrono::milliseconds kHeadKeptMax{50};
// Limits for the interim answers to one request: their number, and the bytes of all their heads.
constexpr std::size_t kInterimMax = 1000;
constexpr std::size_t kInterimBytesMax = 256 * 1024;
// How long after a client's FIN an answer may begin.
constexpr std::chrono::milliseconds kHalfCloseGrace{1000};

// ---- what happened ------------------------------------------------------------------------------

struct RequestBegun {  // a part of a request's head has come
  RequestFacts facts;  // the facts that are known so far
};

struct RequestArrived {
  RequestFacts facts;
  std::uint64_t ticket = 0;       // the request's ticket (barrier.h); 0: it has none
  std::optional<OwnRequest> own;  // set if hpp answers the request itself
};

struct RequestRefused {  // the request's head is not acceptable
  int status = 400;
  std::string why;
  RequestFacts facts;  // the facts that are known
};

struct RequestBodyEnded {};  // the backend's connection has been given all of the request's body

struct RequestBodyBroken {  // the framing of the request's body is invalid
  std::string why;
};

// The client's FIN has come, and the exchange has received all events that precede it. Sent again
// for each pipelined request that precedes the FIN.
struct ClientEnded {};

struct ClientBroken {};  // the client has reset the connection, or writing to it failed

using Judged = Judgement;  // the gate's answer to AskGate

struct UpstreamOpened {
  bool reused = false;  // the connection has served another request before
};

// The head of an answer has come. If keeps_head() is true afterwards, the shell sends this event
// again when bytes have come after the head, and after TimerExpired.
struct ResponseArrived {
  ResponseFacts facts;
  std::size_t size = 0;    // bytes of the head
  bool body_begun = true;  // bytes have come after the head
};

struct ResponseRefused {  // the head or the framing of the answer is not acceptable
  std::string why;
};

struct ResponseBodyEnded {};  // the client's connection has been given all of the answer's body

// The backend's connection has ended, which the framing makes the end of the answer, unless a kill
// ended the connection. The client's connection has been given every byte that came before.
struct ResponseEndedByClose {};

// The backend connection could not be made, or it ended or was reset before the answer was
// complete.
struct UpstreamLost {
  std::string why;        // why the connection could not be made, a clause; empty if not known
  bool is_short = false;  // hpp or the machine lacks a resource; it is not the backend's fault
};

struct TunnelEnded {};  // both sides have sent a FIN, and all earlier bytes have been passed on

struct TimerExpired {  // the time wake_at() has come
  // Bytes of the answer have moved since the last deadline, or still wait for the client to read.
  bool answer_flows = false;
  bool request_comes = false;  // Reading: bytes of the next request have arrived and are not read
};

using Event = std::variant<RequestBegun, RequestArrived, RequestRefused, RequestBodyEnded,
                           RequestBodyBroken, ClientEnded, ClientBroken, Judged, UpstreamOpened,
                           ResponseArrived, ResponseRefused, ResponseBodyEnded,
                           ResponseEndedByClose, UpstreamLost, TunnelEnded, TimerExpired>;

// ---- what is to be done -------------------------------------------------------------------------

struct AskGate {  // ask the gate for a decision on query(), and send it as Judged
  bool operator==(const AskGate&) const = default;
};

struct ForwardRequest {  // take a backend connection and send the request's head
  // The request cannot be repeated, or not once more. Only an idle connection that judge_reuse()
  // allows for such requests may carry it.
  bool fresh = false;

  bool operator==(const ForwardRequest&) const = default;
};

struct DropUpstream {  // close the backend's connection in any state
  bool operator==(const DropUpstream&) const = default;
};

struct ReleaseUpstream {    // give the connection back to the pool: the answer is complete
  bool keeps_alive = true;  // false: the backend has announced that it closes the connection
  // The answer has no body, because of its request's method or its status. Some servers send a body
  // all the same (reuse.h).
  bool body_may_follow = false;

  bool operator==(const ReleaseUpstream&) const = default;
};

struct PassResponseHead {  // write the head that has come to the client
  ResponseFacts facts;
  Delivery delivery;
  // The answer ends with the connection. Until FinishClient, the connection must end with a reset,
  // even if proxyd is killed.
  bool ends_by_close = false;

  bool operator==(const PassResponseHead&) const = default;
};

struct EndResponse {  // mark the end of the answer for the client, if the framing has an end mark
  bool operator==(const EndResponse&) const = default;
};

struct Answer {  // write an answer of hpp's own
  enum class Kind {
    Crashed,
    Unrepeated,
    BadGateway,
    Shortage,
    Refused,
    QueueFull,
    QueueTimeout,
    HalfClosed
  };

  Kind kind = Kind::Crashed;
  int status = 503;
  // Refused: the defect of the request, a clause. BadGateway, Shortage, HalfClosed: the whole text.
  // Otherwise empty.
  std::string why;

  bool operator==(const Answer&) const = default;
};

struct AnswerOwn {  // write the answer to a request for hpp itself
  OwnEndpoint endpoint = OwnEndpoint::Home;

  bool operator==(const AnswerOwn&) const = default;
};

struct HandOver {  // give the connection to LiveReload, which completes the handshake
  std::string websocket_key;

  bool operator==(const HandOver&) const = default;
};

struct ReadNext {  // begin to read the next request
  bool operator==(const ReadNext&) const = default;
};

struct FinishClient {   // write the pending bytes, send a FIN, and close (farewell.h)
  bool lingers = true;  // the client may send more, so wait for its FIN before the close

  bool operator==(const FinishClient&) const = default;
};

struct CutClient {     // end the connection so that the client sees that the answer is incomplete
  bool reset = false;  // the answer ends with the connection, so that only a reset shows the cut
  std::string why;     // a clause for the log; empty: the cut is not worth a line

  bool operator==(const CutClient&) const = default;
};

using Effect =
    std::variant<AskGate, ForwardRequest, DropUpstream, ReleaseUpstream, PassResponseHead,
                 EndResponse, Answer, AnswerOwn, HandOver, ReadNext, FinishClient, CutClient>;

// The effects, in the order in which the shell must perform them. AskGate is always the last one,
// because the shell sends Judged at once, which has effects of its own.
using Effects = EffectList<Effect, 4>;

class Exchange {
 public:
  enum class Phase { Reading, Held, Sent, Doubtful, Answering, Ending, Tunnel, Finishing, Closed };

  Exchange() = default;

  // `queue_timeout`: how long after its arrival a request may be Held; nothing: without a limit.
  explicit Exchange(std::optional<std::chrono::milliseconds> queue_timeout)
      : queue_timeout_(queue_timeout) {}

  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  Phase phase() const { return phase_; }

  // Returns the question for the gate. Nothing if no decision of the gate is needed now.
  std::optional<Query> query() const;

  // Returns when to send TimerExpired; nothing: not at all.
  std::optional<TimePoint> wake_at() const { return wake_at_; }

  // Whether the time wake_at() has come. A timer can fire some milliseconds early, because the
  // loop's clock is coarse, or in the same turn of the loop in which another event has changed
  // wake_at(). Then the shell only starts the timer again.
  bool is_due(TimePoint now) const { return wake_at_ && now >= *wake_at_; }

  // Whether the exchange has received ClientEnded for the current request.
  bool knows_client_end() const { return knows_client_end_; }

  // Whether the head of an answer is kept back. The shell must keep its text until
  // PassResponseHead.
  bool keeps_head() const { return kept_until_.has_value(); }

  const RequestFacts& request() const { return request_; }

  // Returns the generation of the backend that has, or last had, a request of this client.
  std::uint64_t generation() const { return generation_; }

  // Returns how long the current request had waited since its arrival when it was last forwarded.
  std::chrono::steady_clock::duration held() const { return held_; }

 private:
  Effects handle(const RequestBegun& event, TimePoint now);
  Effects handle(const RequestArrived& event, TimePoint now);
  Effects handle(const RequestRefused& event, TimePoint now);
  Effects handle(const RequestBodyEnded& event, TimePoint now);
  Effects handle(const RequestBodyBroken& event, TimePoint now);
  Effects handle(const ClientEnded& event, TimePoint now);
  Effects handle(const ClientBroken& event, TimePoint now);
  Effects handle(const Judged& event, TimePoint now);
  Effects handle(const UpstreamOpened& event, TimePoint now);
  Effects handle(const ResponseArrived& event, TimePoint now);
  Effects handle(const ResponseRefused& event, TimePoint now);
  Effects handle(const ResponseBodyEnded& event, TimePoint now);
  Effects handle(const ResponseEndedByClose& event, TimePoint now);
  Effects handle(const UpstreamLost& event, TimePoint now);
  Effects handle(const TunnelEnded& event, TimePoint now);
  Effects handle(const TimerExpired& event, TimePoint now);

  void hold();
  Effects forward(std::uint64_t generation, TimePoint now);
  Effects take_back();
  Effects pass_interim(const ResponseArrived& event);
  bool keeps_back(const ResponseArrived& event, TimePoint now) const;
  PassResponseHead pass_head();
  Effects close_on_decision(TimePoint now);
  Effects answer_half_closed();
  Effects answer(Answer::Kind kind, int status, std::string why);
  Effects answer_own(OwnEndpoint endpoint);
  Effects hand_over(const std::string& websocket_key);
  Effects complete_response();
  Effects lose_upstream();
  std::string bad_gateway_text() const;
  Effects cut(std::string why = {});
  Delivery delivery_for(const ResponseFacts& response) const;
  bool has_upstream() const;
  bool is_repeatable() const;

  std::optional<std::chrono::milliseconds> queue_timeout_;
  Phase phase_ = Phase::Reading;
  RequestFacts request_;
  std::optional<OwnEndpoint> own_;  // set if the request is for hpp itself
  ResponseFacts response_;
  bool head_begun_ = false;   // Reading: a part of the next request's head has come
  bool is_outdated_ = false;  // responses may have changed since the last answer
  bool request_body_done_ = true;
  bool closes_ = false;                  // the client's connection ends with this answer
  bool ends_by_close_ = false;           // the answer's end is the connection's end
  std::size_t interim_count_ = 0;        // interim answers to the request
  std::size_t interim_bytes_ = 0;        // the bytes of their heads
  std::optional<TimePoint> kept_until_;  // set if an answer's head is kept back
  bool was_sent_ = false;                // a backend has, or had, the request
  bool head_came_ = false;               // the newest backend connection brought an answer's head
  bool opened_ = false;                  // the newest backend connection could be made
  std::string not_opened_why_;           // why it could not be made; empty if not known
  bool is_repeat_ = false;               // the request was lost on a connection a moment before
  // The newest backend connection had served another request, and has brought no answer to this
  // one.
  bool reused_ = false;
  bool expired_ = false;           // Doubtful, Ending: kDecisionWait has passed without a report
  bool knows_client_end_ = false;  // ClientEnded has come for this request
  // The generation of the backend that has, or last had, a request of this client.
  std::uint64_t generation_ = 0;
  std::uint64_t ticket_ = 0;  // the request's ticket; in Ending: the number of the liveness check
  std::optional<bus::TreePoint> needs_;
  TimePoint arrived_at_{};  // when the current request arrived
  TimePoint::duration held_{};
  // Set after the client's FIN: if the answer has not begun by then, the client counts as gone. If
  // the answer has begun, the client counts as gone when the answer pauses for kHalfCloseGrace.
  std::optional<TimePoint> leaves_at_;
  std::optional<TimePoint> wake_at_;
  TimePoint put_off_to_{};  // a deadline postponed because of a stall; this happens only once
};

std::string_view to_string(Exchange::Phase phase);

}  // namespace hpp::proxyd
