#include "proxyd/core/exchange.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hpp::proxyd {
namespace {

constexpr const char* kAbandoned = "your server closed the connection before the end of its answer";
constexpr const char* kRestarted =
    "your server ended or was restarted before the end of its answer";

}  // namespace

std::string_view to_string(Exchange::Phase phase) {
  switch (phase) {
    case Exchange::Phase::Reading:
      return "Reading";
    case Exchange::Phase::Held:
      return "Held";
    case Exchange::Phase::Sent:
      return "Sent";
    case Exchange::Phase::Doubtful:
      return "Doubtful";
    case Exchange::Phase::Answering:
      return "Answering";
    case Exchange::Phase::Ending:
      return "Ending";
    case Exchange::Phase::Tunnel:
      return "Tunnel";
    case Exchange::Phase::Finishing:
      return "Finishing";
    case Exchange::Phase::Closed:
      return "Closed";
  }
  return "";
}

Effects Exchange::on(const Event& event, TimePoint now) {
  Effects effects = std::visit([&](const auto& e) { return handle(e, now); }, event);
  for (const Effect& effect : effects) {
    assert(!std::holds_alternative<AskGate>(effect) || &effect + 1 == effects.end());
  }
  return effects;
}

std::optional<Query> Exchange::query() const {
  switch (phase_) {
    case Phase::Reading:
      if (head_begun_) return std::nullopt;  // the gate is asked when the head is complete
      return Query{.situation = Situation::Idle, .generation = generation_};
    case Phase::Held:
      return Query{.situation = Situation::Waiting,
                   .generation = generation_,
                   .ticket = ticket_,
                   .needs = needs_,
                   .was_sent = was_sent_};
    case Phase::Sent:
    case Phase::Doubtful:
      return Query{.situation = Situation::Sent,
                   .generation = generation_,
                   .repeatable = is_repeatable(),
                   .lost = phase_ == Phase::Doubtful,
                   .reused = reused_,
                   .expired = expired_};
    case Phase::Answering:
      return Query{.situation = Situation::Begun, .generation = generation_};
    case Phase::Ending:
      return Query{.situation = Situation::Ended,
                   .generation = generation_,
                   .repeatable = is_repeatable(),
                   .expired = expired_,
                   .nothing_passed = keeps_head(),
                   .ticket = ticket_};
    case Phase::Tunnel:
      return Query{.situation = Situation::Tunnel, .generation = generation_};
    case Phase::Finishing:
    case Phase::Closed:
      return std::nullopt;
  }
  return std::nullopt;
}

// ---- the client ---------------------------------------------------------------------------------

Effects Exchange::handle(const RequestBegun& event, TimePoint now) {
  assert(phase_ == Phase::Reading);
  request_ = event.facts;
  if (!std::exchange(head_begun_, true)) wake_at_ = now + kHeadWait;
  return {};
}

Effects Exchange::handle(const RequestArrived& event, TimePoint now) {
  assert(phase_ == Phase::Reading);
  head_begun_ = false;
  request_ = event.facts;
  request_body_done_ = request_.framing == Framing::None;
  closes_ = !request_.keeps_alive || is_outdated_;
  ticket_ = event.ticket;
  needs_.reset();
  was_sent_ = false;
  interim_count_ = interim_bytes_ = 0;
  arrived_at_ = now;
  own_.reset();
  if (event.own) {
    own_ = event.own->endpoint;
    if (request_.wanted == Wanted::Any) request_.wanted = Wanted::Json;
    if (own_ == OwnEndpoint::LiveReload) return hand_over(event.own->websocket_key);
    if (!waits_at_gate(*own_)) return answer_own(*own_);
  }
  hold();
  return {AskGate{}};
}

Effects Exchange::hand_over(const std::string& websocket_key) {
  wake_at_.reset();
  phase_ = Phase::Closed;
  return {HandOver{.websocket_key = websocket_key}};
}

void Exchange::hold() {
  phase_ = Phase::Held;
  wake_at_ = leaves_at_;
  if (!queue_timeout_) return;
  const TimePoint overdue_at = arrived_at_ + *queue_timeout_;
  wake_at_ = leaves_at_ ? std::min(*leaves_at_, overdue_at) : overdue_at;
}

Effects Exchange::handle(const RequestRefused& event, TimePoint) {
  assert(phase_ == Phase::Reading);
  request_ = event.facts;
  return answer(Answer::Kind::Refused, event.status, event.why);
}

Effects Exchange::handle(const RequestBodyEnded&, TimePoint) {
  request_body_done_ = true;
  return {};
}

Effects Exchange::handle(const RequestBodyBroken& event, TimePoint) {
  switch (phase_) {
    case Phase::Sent:
      return answer(Answer::Kind::Refused, 400, event.why);
    case Phase::Answering:
      return cut("the body of the request is malformed: " + event.why);
    case Phase::Reading:
    case Phase::Held:
    case Phase::Doubtful:
    case Phase::Ending:
    case Phase::Tunnel:
    case Phase::Finishing:
    case Phase::Closed:
      return {};
  }
  return {};
}

Effects Exchange::handle(const ClientEnded&, TimePoint now) {
  knows_client_end_ = true;
  switch (phase_) {
    case Phase::Reading:
      phase_ = Phase::Finishing;
      wake_at_.reset();
      return {FinishClient{}};
    case Phase::Held:
      if (!request_.is_safe) return answer_half_closed();
      leaves_at_ = now + kHalfCloseGrace;
      hold();
      return {};
    case Phase::Sent:
    case Phase::Doubtful:
      if (!request_body_done_) {
        return answer(Answer::Kind::Refused, 400, "the connection ended before its body did");
      }
      leaves_at_ = now + kHalfCloseGrace;
      if (phase_ == Phase::Sent && !keeps_head()) wake_at_ = leaves_at_;
      return {};
    case Phase::Answering: {
      // A script does not half-close in the middle of an answer, so the client has gone. Keeping an
      // event stream for a client that has gone would leak it.
      const bool leaves = response_.is_event_stream || now - arrived_at_ > kHalfCloseGrace;
      if (leaves || !request_body_done_) return cut();
      wake_at_ = leaves_at_ = now + kHalfCloseGrace;
      return {};
    }
    case Phase::Ending:  // the shell sends ClientEnded again for the next request
    case Phase::Tunnel:  // the shell passes the FIN on
    case Phase::Finishing:
    case Phase::Closed:
      return {};
  }
  return {};
}

Effects Exchange::handle(const ClientBroken&, TimePoint) {
  return phase_ == Phase::Closed ? Effects{} : cut();
}

// ---- the gate -----------------------------------------------------------------------------------

Effects Exchange::handle(const Judged& event, TimePoint now) {
  if (event.needs) needs_ = event.needs;
  if (phase_ == Phase::Ending) ticket_ = event.check;
  switch (event.decision) {
    case Decision::Stay:
      if (phase_ == Phase::Doubtful && !wake_at_) wake_at_ = now + kDecisionWait;
      return {};
    case Decision::Forward:
      return forward(event.generation, now);
    case Decision::Hold:
      return take_back();
    case Decision::Crashed:
      return answer(Answer::Kind::Crashed, 503, "");
    case Decision::Unrepeated:
      return answer(Answer::Kind::Unrepeated, 503, "");
    case Decision::BadGateway:
      return answer(Answer::Kind::BadGateway, 502, bad_gateway_text());
    case Decision::Complete:
      return complete_response();
    case Decision::QueueFull:
      return answer(Answer::Kind::QueueFull, 503, "");
    case Decision::Close:
      return close_on_decision(now);
  }
  return {};
}

std::string Exchange::bad_gateway_text() const {
  if (head_came_) return "Your server closed the connection after the head of its answer.";
  if (opened_) return "Your server closed the connection before it began to answer.";
  const std::string why = not_opened_why_.empty() ? "" : " (" + not_opened_why_ + ")";
  return "Your server cannot be reached: no connection could be made" + why + ".";
}

Effects Exchange::forward(std::uint64_t generation, TimePoint now) {
  assert(phase_ == Phase::Held || phase_ == Phase::Doubtful);
  if (own_) return answer_own(*own_);
  // After a lost connection, every idle connection may be just as stale.
  is_repeat_ = phase_ == Phase::Doubtful;
  generation_ = generation;
  held_ = now - arrived_at_;
  was_sent_ = true;
  opened_ = false;
  not_opened_why_.clear();
  reused_ = false;
  expired_ = false;
  head_came_ = false;
  wake_at_ = leaves_at_;
  phase_ = Phase::Sent;
  return {ForwardRequest{.fresh = is_repeat_ || !is_repeatable()}};
}

Effects Exchange::take_back() {
  assert(phase_ == Phase::Sent || phase_ == Phase::Doubtful || phase_ == Phase::Ending);
  Effects effects;
  if (has_upstream()) effects.push_back(DropUpstream{});
  expired_ = false;
  kept_until_.reset();
  hold();
  effects.push_back(AskGate{});
  return effects;
}

Effects Exchange::close_on_decision(TimePoint now) {
  if (phase_ != Phase::Reading) return cut(kRestarted);
  if (!std::exchange(is_outdated_, true)) wake_at_ = now + kOutdatedIdleMax;
  return {};
}

// ---- the backend --------------------------------------------------------------------------------

Effects Exchange::handle(const UpstreamOpened& event, TimePoint) {
  opened_ = true;
  reused_ = event.reused;
  return {};
}

Effects Exchange::handle(const ResponseArrived& event, TimePoint now) {
  assert(phase_ == Phase::Sent);
  reused_ = false;  // a connection that brings an answer was not closed because it was idle
  if (event.facts.is_interim()) return pass_interim(event);
  response_ = event.facts;
  head_came_ = true;
  if (keeps_back(event, now)) {
    if (!kept_until_) kept_until_ = now + kHeadKeptMax;
    wake_at_ = kept_until_;
    return {};
  }
  const PassResponseHead pass = pass_head();
  wake_at_.reset();
  phase_ = response_.status == 101 ? Phase::Tunnel : Phase::Answering;
  if (leaves_at_ && phase_ == Phase::Answering) wake_at_ = now + kHalfCloseGrace;
  return {pass};
}

Effects Exchange::pass_interim(const ResponseArrived& event) {
  ++interim_count_;
  interim_bytes_ += event.size;
  if (interim_count_ > kInterimMax || interim_bytes_ > kInterimBytesMax) {
    return answer(Answer::Kind::BadGateway, 502,
                  "Your server sent too many interim answers (1xx) to one request.");
  }
  // RFC 9110 §15.2: a client with HTTP/1.0 must not get interim answers.
  if (request_.minor == 0) return {};
  return {PassResponseHead{.facts = event.facts}};
}

// The head of an event stream is not kept back: the first event may come late, and the client waits
// for the head.
bool Exchange::keeps_back(const ResponseArrived& event, TimePoint now) const {
  const bool announces_body = event.facts.framing != Framing::None &&
                              !(event.facts.framing == Framing::Length && event.facts.length == 0);
  if (event.body_begun || !announces_body || event.facts.is_event_stream) return false;
  return !kept_until_ || now < *kept_until_;
}

PassResponseHead Exchange::pass_head() {
  kept_until_.reset();
  const Delivery delivery = delivery_for(response_);
  closes_ = delivery.closes;
  const bool framed =
      response_.framing != Framing::UntilClose || delivery.coding == Delivery::Coding::Chunk;
  ends_by_close_ = !framed || delivery.coding == Delivery::Coding::Dechunk;
  return {.facts = response_, .delivery = delivery, .ends_by_close = ends_by_close_};
}

Delivery Exchange::delivery_for(const ResponseFacts& response) const {
  using enum Delivery::Coding;
  Delivery delivery;
  if (response.status == 101) return delivery;
  if (response.framing == Framing::UntilClose && request_.minor >= 1) delivery.coding = Chunk;
  if (response.framing == Framing::Chunked && request_.minor == 0) delivery.coding = Dechunk;
  const bool ends_by_close = request_.minor == 0 && (response.framing == Framing::UntilClose ||
                                                     response.framing == Framing::Chunked);
  // If the answer comes before the end of the request, the rest of the request may never come, and
  // then the connection cannot carry another request (RFC 9112 §9.3).
  delivery.closes = closes_ || ends_by_close || !request_body_done_;
  return delivery;
}

Effects Exchange::handle(const ResponseRefused& event, TimePoint) {
  if (phase_ == Phase::Answering) return cut("the answer is malformed: " + event.why);
  assert(phase_ == Phase::Sent);
  if (reused_ && is_repeatable() && !is_repeat_) return lose_upstream();
  return answer(Answer::Kind::BadGateway, 502,
                "Your server's answer cannot be used: " + event.why + '.');
}

Effects Exchange::handle(const ResponseBodyEnded&, TimePoint) {
  assert(phase_ == Phase::Answering);
  return complete_response();
}

Effects Exchange::handle(const ResponseEndedByClose&, TimePoint now) {
  assert(phase_ == Phase::Answering || (phase_ == Phase::Sent && keeps_head()));
  phase_ = Phase::Ending;
  ticket_ = 0;
  expired_ = false;
  wake_at_ = now + kDecisionWait;
  if (keeps_head()) return {AskGate{}};  // the head is in the connection's input
  return {DropUpstream{}, AskGate{}};
}

Effects Exchange::complete_response() {
  Effects effects;
  if (phase_ == Phase::Ending) {
    const bool has_head = keeps_head();
    if (has_head) effects.push_back(pass_head());
    effects.push_back(EndResponse{});
    if (has_head) effects.push_back(DropUpstream{});
  } else if (request_body_done_ && !request_.asks_upgrade) {
    const bool has_no_body = request_.is_head || response_.status == 204 || response_.status == 304;
    effects.push_back(
        ReleaseUpstream{.keeps_alive = response_.keeps_alive, .body_may_follow = has_no_body});
  } else {
    // Node gives the application the bare socket for an upgrade. After a refused upgrade, the
    // application may end that socket at any moment.
    effects.push_back(DropUpstream{});
  }
  wake_at_.reset();
  if (closes_ || !request_body_done_) {
    phase_ = Phase::Finishing;
    effects.push_back(FinishClient{.lingers = request_.keeps_alive || !request_body_done_});
  } else {
    phase_ = Phase::Reading;
    leaves_at_.reset();
    knows_client_end_ = false;
    effects.push_back(ReadNext{});
  }
  return effects;
}

Effects Exchange::handle(const UpstreamLost& event, TimePoint) {
  switch (phase_) {
    case Phase::Sent:
      if (event.is_short) {
        return answer(Answer::Kind::Shortage, 503,
                      "hpp cannot connect to your server: " + event.why + ".");
      }
      not_opened_why_ = event.why;
      return lose_upstream();
    case Phase::Answering:
    case Phase::Tunnel:
      return cut(kAbandoned);
    case Phase::Reading:
    case Phase::Held:
    case Phase::Doubtful:
    case Phase::Ending:
    case Phase::Finishing:
    case Phase::Closed:
      return {};
  }
  return {};
}

Effects Exchange::lose_upstream() {
  phase_ = Phase::Doubtful;
  expired_ = false;
  kept_until_.reset();
  wake_at_.reset();
  return {DropUpstream{}, AskGate{}};
}

Effects Exchange::handle(const TunnelEnded&, TimePoint) {
  assert(phase_ == Phase::Tunnel);
  return cut();
}

Effects Exchange::handle(const TimerExpired& event, TimePoint now) {
  if (!is_due(now)) return {};
  // After a stall (barrier.h), wait a little longer: there may be unread events of that time on the
  // bus or on either connection.
  if (now - *wake_at_ >= kStalledAfter && *wake_at_ != put_off_to_) {
    wake_at_ = put_off_to_ = now + kNewsAfterStall;
    return {};
  }
  wake_at_.reset();
  if (phase_ == Phase::Reading && head_begun_) {
    return answer(Answer::Kind::Refused, 408, "its head did not come within 60 s");
  }
  if (phase_ == Phase::Reading) {
    if (event.request_comes) return {};
    phase_ = Phase::Finishing;
    return {FinishClient{}};
  }
  if (phase_ == Phase::Doubtful || phase_ == Phase::Ending) {
    expired_ = true;
    return {AskGate{}};
  }
  if (phase_ == Phase::Sent && keeps_head()) return {};  // ResponseArrived comes again
  if (phase_ == Phase::Held && !(leaves_at_ && *leaves_at_ <= now)) {
    return answer(Answer::Kind::QueueTimeout, 503, "");
  }
  if (!leaves_at_ || phase_ == Phase::Tunnel) return {};
  if (phase_ != Phase::Answering) return answer_half_closed();
  if (!event.answer_flows) return cut();
  wake_at_ = now + kHalfCloseGrace;
  return {};
}

// ---- endings ------------------------------------------------------------------------------------

Effects Exchange::answer(Answer::Kind kind, int status, std::string why) {
  Effects effects;
  if (has_upstream()) effects.push_back(DropUpstream{});
  effects.push_back(Answer{.kind = kind, .status = status, .why = std::move(why)});
  effects.push_back(FinishClient{});
  phase_ = Phase::Finishing;
  kept_until_.reset();
  wake_at_.reset();
  return effects;
}

// The client has ended its side, and it is too late to wait for the answer.
Effects Exchange::answer_half_closed() {
  std::string why =
      "The client closed its side of the connection, as a client does that gives up. ";
  if (phase_ == Phase::Held && !request_.is_safe) {
    why +=
        "The request still waited for your server. It was not sent, because it may have an effect.";
  } else if (phase_ == Phase::Held) {
    why += "Your server was not ready within a second after that. The request was not sent.";
  } else {
    why += "Your server did not begin to answer within a second after that.";
  }
  why += " Keep the connection open until the answer has come.";
  return answer(Answer::Kind::HalfClosed, 503, std::move(why));
}

Effects Exchange::answer_own(OwnEndpoint endpoint) {
  wake_at_.reset();
  phase_ = Phase::Finishing;
  return {AnswerOwn{.endpoint = endpoint}, FinishClient{}};
}

// Also used when the client has hung up. A tunnel and an event stream have no defined end, so a cut
// is not worth a line in the log.
Effects Exchange::cut(std::string why) {
  Effects effects;
  if (has_upstream()) effects.push_back(DropUpstream{});
  const bool has_begun = phase_ == Phase::Answering || (phase_ == Phase::Ending && !keeps_head());
  if (phase_ == Phase::Tunnel || response_.is_event_stream) why.clear();
  effects.push_back(CutClient{.reset = has_begun && ends_by_close_, .why = std::move(why)});
  phase_ = Phase::Closed;
  kept_until_.reset();
  wake_at_.reset();
  return effects;
}

bool Exchange::has_upstream() const {
  switch (phase_) {
    case Phase::Sent:
    case Phase::Answering:
    case Phase::Tunnel:
      return true;
    case Phase::Ending:
      return keeps_head();
    case Phase::Reading:
    case Phase::Held:
    case Phase::Doubtful:
    case Phase::Finishing:
    case Phase::Closed:
      return false;
  }
  return false;
}

bool Exchange::is_repeatable() const {
  return request_.is_safe && request_.framing == Framing::None;
}

}  // namespace hpp::proxyd
