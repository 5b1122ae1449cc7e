// Pure. One request of a client, from its complete head to the end of its answer. Decides what to
// do about each event on the client's and the backend's connection, and about each decision of the
// gate. The connection (connection.h) owns the request and ends with it, or goes on to the next
// one.
//
// Bytes of bodies never come here. The shell moves them in the phases in which they may flow.
//
//   ──head──► Held ──Forward──► Sent ──answer begins──► Answering ──complete──► over
//              ▲ │                │                        │   │
//              │ │ Crashed    lost│ ▲                  101  │   │ the backend's connection ends
//              │ │   ┌─Hold───────┤ │Forward               ▼   └─────────► Ending ──► over
//              └─┼───┘            ▼ │ (again)            Tunnel ──► over
//                │               Lost
//                ▼                ▼ Crashed, BadGateway
//              over             over
//
// Held       The gate has not forwarded the request. The body stays with the client. Ends with a
//            503 if the queue is limited in length or time.
// Sent       A backend connection has the request, or is being made for it. Until it is made, the
//            backend has received nothing, so any request can be sent again. Nothing of the answer
//            has been passed on, except interim answers (1xx), which pass at once. The head of an
//            answer that announces a body is kept back until the body begins, for at most
//            kHeadKeptMax: many servers send the two separately, and if a restart comes between
//            them, the request can still be repeated.
// Lost       The backend's connection is gone. The gate is asked, and may wait for news (gate.h). A
//            connection that was used before is given up as well if its first bytes are no answer,
//            because they may be the rest of the previous one. The request is then repeated. On the
//            next connection, such bytes are taken for the answer. Otherwise, the server would run
//            the request on each idle connection.
// Answering  The answer flows. The request cannot be repeated any more.
// Ending     The answer has ended with the backend's connection. The gate is asked whether that was
//            a kill. The answer is then complete, or cut as in Answering; if its head is kept back,
//            and nothing came behind it, the request is treated as in Lost.
// Tunnel     After a 101, bytes flow both ways, and each direction ends by itself.
//
// A client's FIN is not yet a hang-up, because scripts that half-close look like browsers that
// leave. The answer is delivered if it begins within kHalfCloseGrace of the FIN, and goes on for as
// long as it flows. A request that is not safe and waits for a backend is not sent after the FIN,
// because its client may be gone. A client that still reads gets an answer that says so. But if the
// request only waits for the answer to its ticket, which takes a moment, it is sent: whether it
// needs such an answer depends on the file watcher.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "proxyd/core/deadline.h"
#include "proxyd/core/events.h"

namespace hpp::proxyd {

// How long to wait for supervisord's report on a backend whose connection has ended.
constexpr std::chrono::milliseconds kDecisionWait{250};
// How long the head of an answer is kept back while nothing of its body has arrived.
constexpr std::chrono::milliseconds kHeadKeptMax{50};
// How many interim answers to one request are passed on, and how many bytes of their heads.
constexpr std::size_t kInterimMax = 1000;
constexpr std::size_t kInterimBytesMax = 256 * 1024;
// How long after a client's FIN an answer may begin, and then pause.
constexpr std::chrono::milliseconds kHalfCloseGrace{1000};

// A navigation that has been Held for this long gets a page that says why, and turns into the site:
// the *starting page*. Any other request goes on waiting, because a script would take the page for
// the site's answer.
constexpr std::chrono::milliseconds kNavigationWait{10'000};

class Request {
 public:
  // How a request has ended.
  enum class Outcome {
    Completed,  // the client has the backend's answer
    Answered,   // hpp has answered
    Cut,        // the client's connection must end, because there is no complete answer
  };

  // `closes`: the connection ends after the answer. `queue_timeout`: how long the request may be
  // Held in total; nothing: without a limit.
  Request(const RequestArrived& event, bool closes,
          std::optional<std::chrono::milliseconds> queue_timeout, TimePoint now);

  Effects on(const RequestBodyEnded& event, TimePoint now);
  Effects on(const RequestBodyBroken& event, TimePoint now);
  Effects on(const ClientEnded& event, TimePoint now);
  Effects on(const ClientBroken& event, TimePoint now);
  Effects on(const Judged& event, TimePoint now);
  Effects on(const UpstreamOpened& event, TimePoint now);
  Effects on(const ResponseArrived& event, TimePoint now);
  Effects on(const ResponseRefused& event, TimePoint now);
  Effects on(const ResponseBodyEnded& event, TimePoint now);
  Effects on(const ResponseEndedByClose& event, TimePoint now);
  Effects on(const UpstreamLost& event, TimePoint now);
  Effects on(const TunnelEnded& event, TimePoint now);
  Effects on(const TimerExpired& event, TimePoint now);

  Phase phase() const { return phase_; }

  // Returns how the request has ended; nothing: it is under way.
  const std::optional<Outcome>& outcome() const { return outcome_; }

  // Returns the question for the gate.
  Query query() const;

  const Deadline& deadline() const { return deadline_; }

  // Whether ClientEnded was reported for this request.
  bool knows_client_end() const { return knows_client_end_; }

  // Whether the head of an answer is kept back. The shell must not change its text until
  // PassResponseHead.
  bool keeps_head() const { return kept_until_.has_value(); }

  // Generation of the backend that has the request, or had it last; 0: none had it.
  std::uint64_t generation() const { return generation_; }

  TimePoint arrived_at() const { return arrived_at_; }

  // How long the request has been Held in total, without the time in which it is Held now.
  std::chrono::steady_clock::duration held() const { return held_; }

  // Whether the client's connection must end after this request.
  bool closes() const { return closes_ || !body_done_; }

  // Whether the client may be sending more on this connection.
  bool client_may_send() const { return facts_.keeps_alive || !body_done_; }

 private:
  bool may_get_starting_page() const;
  void hold(TimePoint now);
  void set_held_deadline();
  bool is_given_up() const;
  Effects forward(std::uint64_t generation, TimePoint now);
  Effects take_back(TimePoint now);
  Effects ask_how_it_ended(TimePoint now);
  Effects pass_interim(const ResponseArrived& event);
  bool keeps_back(const ResponseArrived& event, TimePoint now) const;
  PassResponseHead pass_head();
  Effects complete();
  Effects lose_upstream();
  Effects answer(Answer::Kind kind, int status, std::string why);
  Effects answer_crash();
  Effects answer_half_closed();
  Effects cut(std::string why = {});
  void end(Outcome outcome);
  std::string bad_gateway_text() const;
  Delivery delivery_for(const ResponseFacts& response) const;
  bool has_upstream() const;
  bool is_repeatable() const;
  bool can_be_sent_again() const;

  Phase phase_ = Phase::Held;
  std::optional<Outcome> outcome_;
  RequestFacts facts_;
  std::optional<OwnEndpoint> own_;  // the request is for hpp itself
  ResponseFacts response_;
  bool body_done_ = true;
  bool closes_ = false;                  // the client's connection ends with this answer
  bool ends_by_close_ = false;           // the end of the connection is the end of the answer
  std::size_t interim_count_ = 0;        // interim answers to the request
  std::size_t interim_bytes_ = 0;        // bytes of their heads
  std::optional<TimePoint> kept_until_;  // the end of the time for which the head is kept back
  bool was_forwarded_ = false;           // the request was Sent, at least once
  bool head_came_ = false;               // the newest backend connection has brought a head
  // The newest backend connection was made. The backend may have the request, or a part of it.
  bool opened_ = false;
  std::uint64_t received_by_ = 0;  // the newest generation to which a connection was made
  std::string not_opened_why_;     // why it could not be made; empty if unknown
  bool is_repeat_ = false;         // another connection was tried just before
  bool reused_ = false;            // that connection was used before, and no answer came
  bool expired_ = false;           // Lost, Ending: no report has come in time
  bool knows_client_end_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t ticket_ = 0;  // the request's ticket
  std::uint64_t check_ = 0;   // Ending: the number of the liveness check
  std::optional<bus::TreePoint> needs_;
  TimePoint arrived_at_{};
  TimePoint held_since_{};      // Held
  TimePoint::duration held_{};  // before held_since_
  // How long the request may be Held in total: the queue timeout, or kNavigationWait.
  std::optional<TimePoint::duration> patience_;
  bool gets_starting_page_ = false;  // patience_ is kNavigationWait
  // The client's FIN has arrived. If the answer does not begin until then, or pauses later for as
  // long, the client counts as gone.
  std::optional<TimePoint> leaves_at_;
  Deadline deadline_;
};

}  // namespace hpp::proxyd
