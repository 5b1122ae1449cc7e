#include "proxyd/core/request.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hpp::proxyd {
namespace {

constexpr const char* kAbandoned = "your server closed the connection before the end of its answer";
constexpr const char* kRestarted =
    "your server ended or was restarted before the end of its answer";

std::optional<OwnEndpoint> endpoint_of(const std::optional<OwnRequest>& own) {
  return own ? std::optional(own->endpoint) : std::nullopt;
}

}  // namespace

Request::Request(const RequestArrived& event, bool closes,
                 std::optional<std::chrono::milliseconds> queue_timeout, TimePoint now)
    : facts_(event.facts),
      own_(endpoint_of(event.own)),
      body_done_(facts_.framing == Framing::None),
      closes_(closes),
      ticket_(event.ticket),
      arrived_at_(now) {
  if (queue_timeout) patience_ = *queue_timeout;
  if (may_get_starting_page() && (!patience_ || kNavigationWait < *patience_)) {
    patience_ = kNavigationWait;
    gets_starting_page_ = true;
  }
  hold(now);
}

Query Request::query() const {
  switch (phase_) {
    case Phase::Held:
      return situation::Waiting{
          .ticket = ticket_, .needs = needs_, .was_forwarded = was_forwarded_};
    case Phase::Sent:
      return situation::Sent{.generation = generation_, .repeatable = can_be_sent_again()};
    case Phase::Lost:
      return situation::Lost{.generation = generation_,
                             .repeatable = can_be_sent_again(),
                             .reused = reused_,
                             .expired = expired_};
    case Phase::Ending:
      return situation::Ended{.generation = generation_,
                              .repeatable = can_be_sent_again(),
                              .expired = expired_,
                              .nothing_passed = keeps_head(),
                              .check = check_};
    case Phase::Answering:
    case Phase::Tunnel:
    case Phase::Reading:
    case Phase::Finishing:
    case Phase::Closed:
      break;
  }
  return situation::Begun{.generation = generation_};
}

bool Request::may_get_starting_page() const {
  return facts_.is_navigation && !facts_.asks_upgrade && !own_;
}

void Request::hold(TimePoint now) {
  phase_ = Phase::Held;
  held_since_ = now;
  set_held_deadline();
}

// The time in which a backend worked on the request does not count as waiting.
void Request::set_held_deadline() {
  auto ends_at = leaves_at_;
  if (patience_) {
    const TimePoint overdue_at = held_since_ + (*patience_ - held_);
    ends_at = ends_at ? std::min(*ends_at, overdue_at) : overdue_at;
  }
  deadline_.set(ends_at);
}

// Whether the client may be gone, and a backend would get the request only later.
bool Request::is_given_up() const {
  return phase_ == Phase::Held && leaves_at_ && !facts_.is_safe && needs_;
}

// ---- the client ---------------------------------------------------------------------------------

Effects Request::on(const RequestBodyEnded&, TimePoint) {
  body_done_ = true;
  return {};
}

Effects Request::on(const RequestBodyBroken& event, TimePoint) {
  if (phase_ == Phase::Sent) return answer(Answer::Kind::Refused, 400, event.why);
  if (phase_ != Phase::Answering) return {};
  return cut("the body of the request is malformed: " + event.why);
}

Effects Request::on(const ClientEnded&, TimePoint now) {
  knows_client_end_ = true;
  switch (phase_) {
    case Phase::Held:
      if (!leaves_at_) leaves_at_ = now + kHalfCloseGrace;
      if (is_given_up()) return answer_half_closed();
      set_held_deadline();
      return {};
    case Phase::Sent:
    case Phase::Lost:
      if (!body_done_) {
        return answer(Answer::Kind::Refused, 400, "the connection ended before its body did");
      }
      if (!leaves_at_) leaves_at_ = now + kHalfCloseGrace;
      if (phase_ == Phase::Sent && !keeps_head()) deadline_.set(leaves_at_);
      return {};
    case Phase::Answering: {
      // Scripts do not half-close in the middle of an answer. An event stream would never end.
      const bool leaves = response_.is_event_stream || now - arrived_at_ > kHalfCloseGrace;
      if (leaves || !body_done_) return cut();
      leaves_at_ = now + kHalfCloseGrace;
      deadline_.set(leaves_at_);
      return {};
    }
    case Phase::Ending:  // reported in a moment, for the next request
    case Phase::Tunnel:  // the shell passes the FIN on
    case Phase::Reading:
    case Phase::Finishing:
    case Phase::Closed:
      return {};
  }
  return {};
}

Effects Request::on(const ClientBroken&, TimePoint) {
  return cut();
}

// ---- the gate -----------------------------------------------------------------------------------

Effects Request::on(const Judged& event, TimePoint now) {
  if (event.needs) needs_ = event.needs;
  if (phase_ == Phase::Ending) check_ = event.check;
  switch (event.decision) {
    case Decision::Stay:
      if (is_given_up()) return answer_half_closed();
      if (phase_ == Phase::Lost && !deadline_.at()) deadline_.set(now + kDecisionWait);
      return {};
    case Decision::Forward:
      return forward(event.generation, now);
    case Decision::Hold:
      return take_back(now);
    case Decision::Crashed:
      return answer_crash();
    case Decision::Unrepeated:
      return answer(Answer::Kind::Unrepeated, 503, "");
    case Decision::BadGateway:
      return answer(Answer::Kind::BadGateway, 502, bad_gateway_text());
    case Decision::Complete:
      return complete();
    case Decision::QueueFull:
      return answer(Answer::Kind::QueueFull, 503, "");
    case Decision::Close:
      return cut(kRestarted);
  }
  return {};
}

std::string Request::bad_gateway_text() const {
  if (head_came_) return "Your server closed the connection after the head of its answer.";
  if (opened_) return "Your server closed the connection before it began to answer.";
  const std::string why = not_opened_why_.empty() ? "" : " (" + not_opened_why_ + ")";
  return "Your server cannot be reached: no connection could be made" + why + ".";
}

Effects Request::forward(std::uint64_t generation, TimePoint now) {
  assert(phase_ == Phase::Held || phase_ == Phase::Lost);
  if (own_) {
    end(Outcome::Answered);
    return {AnswerOwn{.endpoint = *own_}};
  }
  if (phase_ == Phase::Held) held_ += now - held_since_;
  // Any idle connection may be as stale as the one that was lost.
  is_repeat_ = phase_ == Phase::Lost;
  generation_ = generation;
  was_forwarded_ = true;
  opened_ = false;
  not_opened_why_.clear();
  reused_ = false;
  expired_ = false;
  head_came_ = false;
  deadline_.set(leaves_at_);
  // The FIN counts once more behind the body, which may be incomplete.
  knows_client_end_ = knows_client_end_ && body_done_;
  phase_ = Phase::Sent;
  return {ForwardRequest{.fresh = is_repeat_ || !is_repeatable()}};
}

Effects Request::take_back(TimePoint now) {
  assert(phase_ == Phase::Sent || phase_ == Phase::Lost || phase_ == Phase::Ending);
  Effects effects;
  if (has_upstream()) effects.push_back(DropUpstream{});
  expired_ = false;
  kept_until_.reset();
  hold(now);
  effects.push_back(AskGate{});
  return effects;
}

// ---- the backend --------------------------------------------------------------------------------

Effects Request::on(const UpstreamOpened& event, TimePoint) {
  opened_ = true;
  received_by_ = generation_;
  reused_ = event.reused;
  return {};
}

Effects Request::on(const ResponseArrived& event, TimePoint now) {
  assert(phase_ == Phase::Sent);
  reused_ = false;  // a connection that brings an answer was not closed for idleness
  if (event.facts.is_interim()) return pass_interim(event);
  response_ = event.facts;
  head_came_ = true;
  if (keeps_back(event, now)) {
    if (!kept_until_) kept_until_ = now + kHeadKeptMax;
    deadline_.set(kept_until_);
    return {};
  }
  const PassResponseHead pass = pass_head();
  deadline_.clear();
  phase_ = response_.status == 101 ? Phase::Tunnel : Phase::Answering;
  if (leaves_at_ && phase_ == Phase::Answering) deadline_.set(now + kHalfCloseGrace);
  return {pass};
}

Effects Request::pass_interim(const ResponseArrived& event) {
  ++interim_count_;
  interim_bytes_ += event.size;
  if (interim_count_ > kInterimMax || interim_bytes_ > kInterimBytesMax) {
    return answer(Answer::Kind::BadGateway, 502,
                  "Your server sent too many interim answers (1xx) to one request.");
  }
  // HTTP/1.0 has no interim answers (RFC 9110 §15.2).
  if (facts_.minor == 0) return {};
  return {PassResponseHead{.facts = event.facts}};
}

// The head of an event stream is never kept back, because its client waits for the head, and the
// first event may come much later.
bool Request::keeps_back(const ResponseArrived& event, TimePoint now) const {
  const bool announces_body = event.facts.framing != Framing::None &&
                              !(event.facts.framing == Framing::Length && event.facts.length == 0);
  if (event.body_begun || !announces_body || event.facts.is_event_stream) return false;
  return !kept_until_ || now < *kept_until_;
}

PassResponseHead Request::pass_head() {
  kept_until_.reset();
  const Delivery delivery = delivery_for(response_);
  closes_ = delivery.closes;
  const bool framed =
      response_.framing != Framing::UntilClose || delivery.coding == Delivery::Coding::Chunk;
  ends_by_close_ = !framed || delivery.coding == Delivery::Coding::Dechunk;
  return {.facts = response_, .delivery = delivery, .ends_by_close = ends_by_close_};
}

Delivery Request::delivery_for(const ResponseFacts& response) const {
  using enum Delivery::Coding;
  Delivery delivery;
  if (response.status == 101) return delivery;
  if (response.framing == Framing::UntilClose && facts_.minor >= 1) delivery.coding = Chunk;
  if (response.framing == Framing::Chunked && facts_.minor == 0) delivery.coding = Dechunk;
  const bool ends_by_close = facts_.minor == 0 && (response.framing == Framing::UntilClose ||
                                                   response.framing == Framing::Chunked);
  // If the answer arrives before the whole request has been read, it may be the last one that this
  // connection can carry (RFC 9112 §9.3).
  delivery.closes = closes_ || ends_by_close || !body_done_;
  return delivery;
}

Effects Request::on(const ResponseRefused& event, TimePoint) {
  if (phase_ == Phase::Answering) return cut("the answer is malformed: " + event.why);
  assert(phase_ == Phase::Sent);
  if (reused_ && is_repeatable() && !is_repeat_) return lose_upstream();
  return answer(Answer::Kind::BadGateway, 502,
                "Your server's answer cannot be used: " + event.why + '.');
}

Effects Request::on(const ResponseBodyEnded&, TimePoint) {
  assert(phase_ == Phase::Answering);
  return complete();
}

Effects Request::on(const ResponseEndedByClose&, TimePoint now) {
  assert(phase_ == Phase::Answering || (phase_ == Phase::Sent && keeps_head()));
  return ask_how_it_ended(now);
}

Effects Request::on(const TunnelEnded&, TimePoint now) {
  assert(phase_ == Phase::Tunnel);
  closes_ = true;
  return ask_how_it_ended(now);
}

// A server that ends its answer, and one that was killed, close their connections in the same way.
Effects Request::ask_how_it_ended(TimePoint now) {
  phase_ = Phase::Ending;
  check_ = 0;
  expired_ = false;
  deadline_.set(now + kDecisionWait);
  if (keeps_head()) return {AskGate{}};  // the connection still has the head
  return {DropUpstream{}, AskGate{}};
}

Effects Request::complete() {
  Effects effects;
  if (phase_ == Phase::Ending) {
    const bool has_head = keeps_head();
    if (has_head) effects.push_back(pass_head());
    effects.push_back(EndResponse{});
    if (has_head) effects.push_back(DropUpstream{});
  } else if (body_done_ && !facts_.asks_upgrade) {
    const bool has_no_body = facts_.is_head || response_.status == 204 || response_.status == 304;
    effects.push_back(
        ReleaseUpstream{.keeps_alive = response_.keeps_alive, .body_may_follow = has_no_body});
  } else {
    // After a refused upgrade, the application may end its bare socket at any moment (Node).
    effects.push_back(DropUpstream{});
  }
  end(Outcome::Completed);
  return effects;
}

Effects Request::on(const UpstreamLost& event, TimePoint) {
  if (phase_ == Phase::Answering || phase_ == Phase::Tunnel) return cut(kAbandoned);
  if (phase_ != Phase::Sent) return {};
  if (event.is_short) {
    return answer(Answer::Kind::Shortage, 503,
                  "hpp cannot connect to your server: " + event.why + ".");
  }
  not_opened_why_ = event.why;
  return lose_upstream();
}

Effects Request::lose_upstream() {
  phase_ = Phase::Lost;
  expired_ = false;
  kept_until_.reset();
  deadline_.clear();
  return {DropUpstream{}, AskGate{}};
}

Effects Request::on(const TimerExpired& event, TimePoint now) {
  if (!deadline_.reached(now)) return {};
  if (phase_ == Phase::Lost || phase_ == Phase::Ending) {
    expired_ = true;
    return {AskGate{}};
  }
  if (phase_ == Phase::Sent && keeps_head()) return {};  // the shell reports the head again
  if (phase_ == Phase::Held && !(leaves_at_ && *leaves_at_ <= now)) {
    return answer(gets_starting_page_ ? Answer::Kind::StillStarting : Answer::Kind::QueueTimeout,
                  503, "");
  }
  if (!leaves_at_ || phase_ == Phase::Tunnel) return {};
  if (phase_ != Phase::Answering) return answer_half_closed();
  if (!event.answer_flows) return cut();
  deadline_.set(now + kHalfCloseGrace);
  return {};
}

// ---- the end ------------------------------------------------------------------------------------

Effects Request::answer(Answer::Kind kind, int status, std::string why) {
  Effects effects;
  if (has_upstream()) effects.push_back(DropUpstream{});
  effects.push_back(Answer{.kind = kind, .status = status, .why = std::move(why)});
  end(Outcome::Answered);
  return effects;
}

Effects Request::answer_crash() {
  const bool is_with_backend = has_upstream() || phase_ == Phase::Lost || phase_ == Phase::Ending;
  Effects effects;
  if (has_upstream()) effects.push_back(DropUpstream{});
  effects.push_back(Answer{.kind = Answer::Kind::Crashed,
                           .status = 503,
                           .why = {},
                           .was_sent = is_with_backend && received_by_ == generation_});
  end(Outcome::Answered);
  return effects;
}

// The client has ended its side, and hpp no longer waits for the answer.
Effects Request::answer_half_closed() {
  std::string why =
      "The client closed its side of the connection, as a client does that gives up. ";
  if (phase_ == Phase::Held && !facts_.is_safe) {
    why += needs_ ? "The request still waited for your server. "
                  : "The request still waited for the file watcher. ";
    why += "It was not sent, because it may have an effect.";
  } else if (phase_ == Phase::Held) {
    why += "Your server was not ready within a second after that. The request was not sent.";
  } else {
    why += "Your server did not begin to answer within a second after that.";
  }
  why += " Keep the connection open until the answer has come.";
  return answer(Answer::Kind::HalfClosed, 503, std::move(why));
}

// Also used when the client has hung up: then no answer is read, and all work for it ends. A tunnel
// and an event stream never end by themselves, so the log does not mention their cut.
Effects Request::cut(std::string why) {
  Effects effects;
  if (has_upstream()) effects.push_back(DropUpstream{});
  const bool is_tunnel = response_.status == 101;
  const bool has_begun = phase_ == Phase::Answering || (phase_ == Phase::Ending && !keeps_head());
  const bool only_a_reset_shows_it = has_begun && ends_by_close_ && !is_tunnel;
  if (is_tunnel || response_.is_event_stream) why.clear();
  effects.push_back(CutClient{.reset = only_a_reset_shows_it, .why = std::move(why)});
  end(Outcome::Cut);
  return effects;
}

void Request::end(Outcome outcome) {
  outcome_ = outcome;
  kept_until_.reset();
  deadline_.clear();
}

bool Request::has_upstream() const {
  return phase_ == Phase::Sent || phase_ == Phase::Answering || phase_ == Phase::Tunnel ||
         (phase_ == Phase::Ending && keeps_head());
}

// Whether a backend may get the request twice.
bool Request::is_repeatable() const {
  return facts_.is_safe && facts_.framing == Framing::None;
}

// Whether the next backend may get the request that this one was forwarded to.
bool Request::can_be_sent_again() const {
  return is_repeatable() || !opened_;
}

}  // namespace hpp::proxyd
