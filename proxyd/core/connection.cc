#include "proxyd/core/connection.h"

#include <cassert>
#include <utility>

namespace hpp::proxyd {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::Reading:
      return "Reading";
    case Phase::Held:
      return "Held";
    case Phase::Sent:
      return "Sent";
    case Phase::Lost:
      return "Lost";
    case Phase::Answering:
      return "Answering";
    case Phase::Ending:
      return "Ending";
    case Phase::Tunnel:
      return "Tunnel";
    case Phase::Finishing:
      return "Finishing";
    case Phase::Closed:
      return "Closed";
  }
  return "";
}

Effects Connection::on(const Event& event, TimePoint now) {
  Effects effects = std::visit([&](const auto& e) { return handle(e, now); }, event);
  for (const Effect& effect : effects) {
    assert(!std::holds_alternative<AskGate>(effect) || &effect + 1 == effects.end());
  }
  return effects;
}

std::optional<Query> Connection::query() const {
  if (has_request()) return request()->query();
  // While a head arrives, the gate is not asked before the head is complete.
  if (phase_ != Phase::Reading || head_begun_) return std::nullopt;
  return situation::Idle{.generation = generation_};
}

// ---- between requests ---------------------------------------------------------------------------

Effects Connection::handle(const RequestBegun& event, TimePoint now) {
  assert(phase() == Phase::Reading);
  facts_ = event.facts;
  if (!std::exchange(head_begun_, true)) deadline_.set(now + kHeadWait);
  return {};
}

Effects Connection::handle(const RequestArrived& event, TimePoint now) {
  assert(phase() == Phase::Reading);
  head_begun_ = false;
  deadline_.clear();
  facts_ = event.facts;
  if (event.own) {
    if (facts_.wanted == Wanted::Any) facts_.wanted = Wanted::Json;
    if (event.own->endpoint == OwnEndpoint::LiveReload) {
      phase_ = Phase::Closed;
      return {
          HandOver{.websocket_key = event.own->websocket_key, .is_from_here = facts_.is_from_here}};
    }
    if (!waits_at_gate(event.own->endpoint)) {
      return {AnswerOwn{.endpoint = event.own->endpoint, .number = event.own->number}, finish()};
    }
  }
  const bool closes = !facts_.keeps_alive || is_outdated_;
  request_.emplace_front(event, closes, queue_timeout_, now);
  return {AskGate{}};
}

Effects Connection::handle(const RequestRefused& event, TimePoint) {
  assert(phase() == Phase::Reading);
  facts_ = event.facts;
  return refuse(event.status, event.why, event.allow);
}

Effects Connection::handle(const ClientEnded& event, TimePoint now) {
  if (has_request()) return pass(event, now);
  return phase_ == Phase::Reading ? Effects{finish()} : Effects{};
}

Effects Connection::handle(const ClientBroken& event, TimePoint now) {
  if (has_request()) return pass(event, now);
  if (phase_ == Phase::Closed) return {};
  enter(Phase::Closed);
  return {CutClient{}};
}

Effects Connection::handle(const Judged& event, TimePoint now) {
  if (has_request()) return pass(event, now);
  const bool is_outdated = event.decision == Decision::Close && phase_ == Phase::Reading;
  if (is_outdated && !std::exchange(is_outdated_, true)) deadline_.set(now + kOutdatedIdleMax);
  return {};
}

Effects Connection::handle(const TimerExpired& event, TimePoint now) {
  if (has_request()) return pass(event, now);
  if (!deadline_.reached(now)) return {};
  if (head_begun_) return refuse(408, "its head did not come within 60 s");
  return event.request_comes ? Effects{} : Effects{finish()};
}

Effects Connection::refuse(int status, std::string why, std::string_view allow) {
  return {
      Answer{
          .kind = Answer::Kind::Refused, .status = status, .why = std::move(why), .allow = allow},
      finish()};
}

// ---- after a request ----------------------------------------------------------------------------

// Continues or ends the connection.
void Connection::end_request(Effects& effects) {
  const std::forward_list<Request> ended = std::exchange(request_, {});
  const Request& request = ended.front();
  generation_ = request.generation();
  switch (*request.outcome()) {
    case Request::Outcome::Completed:
      if (request.closes()) {
        effects.push_back(finish(request.client_may_send()));
      } else {
        enter(Phase::Reading);
        effects.push_back(ReadNext{});
      }
      break;
    case Request::Outcome::Answered:
      effects.push_back(finish());
      break;
    case Request::Outcome::Cut:
      enter(Phase::Closed);
      break;
  }
}

FinishClient Connection::finish(bool lingers) {
  enter(Phase::Finishing);
  return {.lingers = lingers};
}

void Connection::enter(Phase next) {
  phase_ = next;
  deadline_.clear();
}

}  // namespace hpp::proxyd
