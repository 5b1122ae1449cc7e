// Pure. One client connection, request by request: what to do about each thing that happens on its
// two connections, and about each decision of the gate.
//
// Body bytes never come here. The shell moves them while the exchange says that they may flow.
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
// Reading    Between requests, for as long as the client likes; or a request's head is on its way,
//            for at most kHeadWait. When responses may have changed, the connection is *outdated*:
//            the answer to its next request ends it, or kOutdatedIdleMax without a request does.
// Held       The head is complete; the gate has not let it go. The body stays with the client. Ends
//            with a 503 where the queue is limited in length or time.
// Sent       A backend connection has it, or is being made for it. Nothing of the answer has been
//            passed on, except interim answers (1xx), which pass at once. The head of an answer
//            that announces a body is kept back until the body begins, for at most kHeadKeptMax:
//            many servers send the two separately, and if a restart comes between them, the request
//            can still be repeated.
// Doubtful   That connection is gone. The gate is asked; it may need to wait for news (gate.h). A
//            connection that has served before is given up as well if its first bytes are no
//            answer: they may be the rest of the answer before. The request is then repeated. What
//            comes on the next connection is taken for the answer: else the server would run the
//            request on each idle connection.
// Answering  The answer flows. Nothing can be repeated from here.
// Ending     The answer has ended with the backend's connection. The gate is asked whether that was
//            a kill; complete or cut, as from Answering. Or as from Doubtful, if the head is kept
//            back: then nothing came behind it.
// Tunnel     After a 101: bytes flow both ways, each direction ends on its own.
// Finishing  The last answer is being written; then our FIN, and what still comes is thrown away
//            until the client's FIN (farewell.h). Not so for a client that has announced that it
//            will send no more.
//
// A request for hpp itself (own_endpoints.h) is answered from Reading, whatever the backend does,
// or from Held, in place of Forward, if it waits at the gate. One that becomes a WebSocket of
// LiveReload's takes its connection along: Closed.
//
// Surprising: an answer of our own (503, 502, 400) always ends the connection. Its body may not
// have been read, and what it says will soon be untrue.
//
// An outdated connection is not closed at once, because its next request may be on its way, and a
// client cannot repeat every request. No old answer can come of that: the request waits at the
// barrier like any other.
//
// A client's FIN is not yet a hang-up. Scripts that half-close look like browsers that leave. The
// answer is delivered if it begins within kHalfCloseGrace of the FIN, and goes on for as long as it
// flows. A held request that is not safe is not sent after the FIN, because its client may be gone.
// In each case a client that still reads gets an answer that says so.
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

// How long to wait for supervisord's word on a backend connection that died.
constexpr std::chrono::milliseconds kDecisionWait{250};
// How long a request's head may take from its first byte.
constexpr std::chrono::milliseconds kHeadWait{60'000};
// How long the connection of a client may stay idle when responses may have changed.
constexpr std::chrono::milliseconds kOutdatedIdleMax{5000};
// How long the head of an answer is kept back while nothing of its body has come.
constexpr std::chrono::milliseconds kHeadKeptMax{50};
// How many interim answers to one request are passed on, and how many bytes of their heads.
constexpr std::size_t kInterimMax = 1000;
constexpr std::size_t kInterimBytesMax = 256 * 1024;
// How long after a client's FIN an answer may begin.
constexpr std::chrono::milliseconds kHalfCloseGrace{1000};

// ---- what happened ------------------------------------------------------------------------------

struct RequestBegun {  // some of its head has come, and not all
  RequestFacts facts;  // as far as they are known
};

struct RequestArrived {
  RequestFacts facts;
  std::uint64_t ticket = 0;       // barrier.h
  std::optional<OwnRequest> own;  // nothing: the backend is asked
};

struct RequestRefused {  // the head is not acceptable
  int status = 400;
  std::string why;
  RequestFacts facts;  // as far as they are known
};

struct RequestBodyEnded {};  // all of it has been given to the backend's connection

struct RequestBodyBroken {  // its framing is wrong
  std::string why;
};

// FIN; all that came before it has been seen by the exchange. Told again for each request that was
// sent before it.
struct ClientEnded {};

struct ClientBroken {};  // reset, or an error while writing

using Judged = Judgement;  // the gate's answer to AskGate

struct UpstreamOpened {
  bool reused = false;  // it has served another request before
};

// The head of an answer has come. If keeps_head() is true then, the head is to be told again when
// something has come behind it, and after TimerExpired.
struct ResponseArrived {
  ResponseFacts facts;
  std::size_t size = 0;    // bytes of the head
  bool body_begun = true;  // something has come behind it
};

struct ResponseRefused {  // the head or the framing of the answer is not acceptable
  std::string why;
};

struct ResponseBodyEnded {};  // all of it has been given to the client's connection

// All that came of it has been given to the client's connection, and the end of the backend's
// connection is its end, unless that was a kill.
struct ResponseEndedByClose {};

// Could not be made, or ended, or was reset, before the answer was complete.
struct UpstreamLost {
  std::string why;        // it could not be made: why, a clause; empty if that is not known
  bool is_short = false;  // hpp or the machine lacks something: the backend has no part in it
};

struct TunnelEnded {};  // both sides have sent a FIN, and all that came before has been passed on

struct TimerExpired {         // wake_at has come
  bool answer_flows = false;  // bytes of the answer have moved since the last time, or still wait
                              // for the client to take them
  bool request_comes =
      false;  // Reading: there are bytes of the next request that have not been read
};

using Event = std::variant<RequestBegun, RequestArrived, RequestRefused, RequestBodyEnded,
                           RequestBodyBroken, ClientEnded, ClientBroken, Judged, UpstreamOpened,
                           ResponseArrived, ResponseRefused, ResponseBodyEnded,
                           ResponseEndedByClose, UpstreamLost, TunnelEnded, TimerExpired>;

// ---- what is to be done -------------------------------------------------------------------------

struct AskGate {  // answer with Judged, for query()
  bool operator==(const AskGate&) const = default;
};

struct ForwardRequest {  // take a backend connection and send the request's head
  // The request cannot be repeated, or is being repeated: only a connection that judge_reuse()
  // allows for that.
  bool fresh = false;

  bool operator==(const ForwardRequest&) const = default;
};

struct DropUpstream {  // close the backend's connection, whatever it is doing
  bool operator==(const DropUpstream&) const = default;
};

struct ReleaseUpstream {    // back to the pool: the exchange is complete
  bool keeps_alive = true;  // false: the backend has said that it closes now
  // The answer had no body, because of its request or its status. Some servers send one all the
  // same (reuse.h).
  bool body_may_follow = false;

  bool operator==(const ReleaseUpstream&) const = default;
};

struct PassResponseHead {  // write the head that came to the client
  ResponseFacts facts;
  Delivery delivery;
  // The answer ends with the connection. From now on a close, even that of a killed process, must
  // be a reset, until FinishClient.
  bool ends_by_close = false;

  bool operator==(const PassResponseHead&) const = default;
};

struct EndResponse {  // tell the client that the answer is complete, if its framing has a way to
  bool operator==(const EndResponse&) const = default;
};

struct Answer {  // write an answer of our own
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
  // Refused: the fault of the request, a clause. BadGateway, Shortage, HalfClosed: the whole text.
  std::string why;

  bool operator==(const Answer&) const = default;
};

struct AnswerOwn {  // likewise, to a request for hpp itself
  OwnEndpoint endpoint = OwnEndpoint::Home;

  bool operator==(const AnswerOwn&) const = default;
};

struct HandOver {  // the connection goes to LiveReload, for the handshake with that key
  std::string websocket_key;

  bool operator==(const HandOver&) const = default;
};

struct ReadNext {  // the next request may be read
  bool operator==(const ReadNext&) const = default;
};

struct FinishClient {   // write what is pending, then FIN, then wait for the client's
  bool lingers = true;  // it may be sending more; else close without waiting

  bool operator==(const FinishClient&) const = default;
};

struct CutClient {     // end the connection so that the client cannot take the answer for complete
  bool reset = false;  // the answer ends with the connection: only a reset tells
  std::string why;     // a clause, for the log; empty: the client is not waiting for anything

  bool operator==(const CutClient&) const = default;
};

using Effect =
    std::variant<AskGate, ForwardRequest, DropUpstream, ReleaseUpstream, PassResponseHead,
                 EndResponse, Answer, AnswerOwn, HandOver, ReadNext, FinishClient, CutClient>;

// In the order in which they are to be done. AskGate is always the last one: its answer, Judged,
// brings effects of its own.
using Effects = EffectList<Effect, 4>;

class Exchange {
 public:
  enum class Phase { Reading, Held, Sent, Doubtful, Answering, Ending, Tunnel, Finishing, Closed };

  Exchange() = default;

  // `queue_timeout`: how long a request may be Held since it arrived; nothing: for ever.
  explicit Exchange(std::optional<std::chrono::milliseconds> queue_timeout)
      : queue_timeout_(queue_timeout) {}

  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  Phase phase() const { return phase_; }

  // What the gate is to judge. Nothing: it has no say over this exchange any more.
  std::optional<Query> query() const;

  // When to send TimerExpired.
  std::optional<TimePoint> wake_at() const { return wake_at_; }

  // Whether wake_at() has come. A timer may fire some milliseconds early (coarse clock), or in the
  // turn in which another event has moved its time. Then it is started again, and nothing else.
  bool is_due(TimePoint now) const { return wake_at_ && now >= *wake_at_; }

  // Whether ClientEnded has come for the request under way.
  bool knows_client_end() const { return knows_client_end_; }

  // Whether the head of an answer is kept back. Its text must stay as it is until PassResponseHead.
  bool keeps_head() const { return kept_until_.has_value(); }

  const RequestFacts& request() const { return request_; }

  // Of the backend that has, or last had, a request of this client.
  std::uint64_t generation() const { return generation_; }

  // How long the request under way, once forwarded, had waited until then: for the last time, if it
  // was repeated.
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
  std::optional<OwnEndpoint> own_;  // the request is for hpp itself
  ResponseFacts response_;
  bool head_begun_ = false;   // Reading: some of the next request's head has come
  bool is_outdated_ = false;  // responses may have changed since the last answer
  bool request_body_done_ = true;
  bool closes_ = false;            // the client's connection ends with this answer
  bool ends_by_close_ = false;     // the answer's end is the connection's end
  std::size_t interim_count_ = 0;  // interim answers to the request, and their bytes
  std::size_t interim_bytes_ = 0;
  std::optional<TimePoint> kept_until_;  // a head is kept back
  bool was_sent_ = false;                // a backend has, or had, the request
  bool head_came_ = false;               // on the newest backend connection
  bool opened_ = false;                  // a connection to the backend could be made
  std::string not_opened_why_;           // why none could; empty if that is not known
  bool is_repeat_ = false;               // another connection was tried a moment before
  bool reused_ = false;                  // and had served before, and brought no answer to this
  bool expired_ = false;                 // Doubtful, Ending: the news did not come in time
  bool knows_client_end_ = false;        // its FIN, told for this request
  std::uint64_t generation_ = 0;  // of the backend that has, or last had, a request of this client
  std::uint64_t ticket_ = 0;  // the request's ticket; in Ending: the number of the liveness check
  std::optional<bus::TreePoint> needs_;
  TimePoint arrived_at_{};  // of the request
  TimePoint::duration held_{};
  // The client's FIN has come, and if no answer to this request begins by then, it has left; so it
  // has when the answer then pauses for as long.
  std::optional<TimePoint> leaves_at_;
  std::optional<TimePoint> wake_at_;
  TimePoint put_off_to_{};  // the deadline that was put off because of a stall: once is enough
};

std::string_view to_string(Exchange::Phase phase);

}  // namespace hpp::proxyd
