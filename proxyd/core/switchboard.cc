#include "proxyd/core/switchboard.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hpp::proxyd {
namespace {

constexpr const char* kLapsed =
    "hpp-watchd does not answer. Requests do not wait for it, so old code may answer them until it "
    "does";
constexpr const char* kAnswersAgain = "hpp-watchd answers again: requests wait for the newest save";
constexpr const char* kUnsupervised =
    "hpp-supervisord has not reported yet: requests wait until it does";
constexpr const char* kSupervised = "hpp-supervisord reports now: requests no longer wait for it";

}  // namespace

// ---- connections and their requests -------------------------------------------------------------

Switchboard::Effects Switchboard::connect(ConnectionId connection) {
  const bool is_new = places_.emplace(connection, Place{.connection = connection}).second;
  assert(is_new);
  Effects effects;
  count_soon(effects);
  return effects;
}

Switchboard::Effects Switchboard::forget(ConnectionId connection) {
  set_waiting(place(connection), false);
  places_.erase(connection);
  Effects effects;
  count_soon(effects);
  return effects;
}

Switchboard::Effects Switchboard::arrive(Place& place, Target& target, bool is_judged,
                                         TimePoint now, const std::optional<bus::IdlePoint>& idle) {
  set_waiting(place, false);  // the connection's last request may still be in its queue
  place.target = &target;
  place.arrival = next_arrival_++;
  place.was_forwarded = false;
  place.ticket = is_judged ? barrier_.take(now, idle) : 0;
  Effects effects;
  if (place.ticket != 0) ask_soon(effects);
  if (is_judged) count_soon(effects);
  return effects;
}

Switchboard::Ruling Switchboard::judge(const Place& place, Query query) {
  Target& target = *place.target;
  Ruling ruling;
  auto* const ended = std::get_if<situation::Ended>(&query);
  if (ended != nullptr && ended->check == 0 && target.gate.is_supervised()) {
    ended->check = target.gate.begin_check();
    ask_soon(ruling.effects);
  }
  if (auto* const waiting = std::get_if<situation::Waiting>(&query)) {
    waiting->is_shut_out = !place.is_queued && target.queue.size() >= target.queue_limit;
  }
  ruling.judgement = target.gate.judge(query, barrier_);
  if (ended != nullptr) ruling.judgement.check = ended->check;
  return ruling;
}

void Switchboard::set_waiting(Place& place, bool waits) {
  if (std::exchange(place.is_queued, waits) == waits) return;
  auto& queue = place.target->queue;
  if (waits) {
    queue.emplace(place.arrival, place.connection);
  } else {
    queue.erase(place.arrival);
  }
}

void Switchboard::forward(Place& place) {
  ++forwarded_;
  if (std::exchange(place.was_forwarded, true)) ++replayed_;
}

Switchboard::Effects Switchboard::request_restart() {
  Effects effects;
  if (!target_.gate.backend()) return effects;
  state_.restart = {.epoch = epoch_, .number = state_.restart.number + 1};
  ask_soon(effects);
  return effects;
}

Switchboard::Effects Switchboard::request_pause(bool begins) {
  Effects effects;
  if (!target_.gate.backend()) return effects;
  state_.pause = {.epoch = epoch_, .number = state_.pause.number + 1};
  state_.pauses = begins;
  ask_soon(effects);
  return effects;
}

// ---- reports ------------------------------------------------------------------------------------

Switchboard::Effects Switchboard::on(const bus::TreeState& tree, TimePoint now) {
  const auto& before = barrier_.tree();
  const bool has_changed =
      !before || before->point() != tree.point() || before->refresh_point() != tree.refresh_point();
  if (has_changed) changed_at_ = now;
  barrier_.on(tree, now);
  Effects effects;
  report_lapse(effects);
  Reconsider waiting = reconsider_queue();
  if (!waiting.connections.empty()) {
    effects.push_back(std::move(waiting));
    count_soon(effects);
  }
  ask_soon(effects);
  return effects;
}

Switchboard::Effects Switchboard::on(Target& target, const bus::BackendState& backend) {
  target.on(backend);
  Effects effects;
  report_silence(effects, false);
  effects.push_back(reconsider_all(target));
  count_soon(effects);
  ask_soon(effects);
  return effects;
}

Switchboard::Effects Switchboard::on_supervisor_overdue() {
  Effects effects;
  report_silence(effects, !target_.gate.backend());
  return effects;
}

void Switchboard::report_lapse(Effects& effects) {
  report(effects, has_reported_lapse_, barrier_.has_lapsed(), kLapsed, kAnswersAgain);
}

void Switchboard::report_silence(Effects& effects, bool is_silent) {
  report(effects, has_reported_silence_, is_silent, kUnsupervised, kSupervised);
}

// Logs one line when the trouble begins, and one when it is over.
void Switchboard::report(Effects& effects, bool& reported, bool is_there, const char* trouble,
                         const char* end) {
  if (std::exchange(reported, is_there) == is_there) return;
  effects.push_back(Say{.is_warning = is_there, .text = is_there ? trouble : end});
  count_soon(effects);
}

Switchboard::Reconsider Switchboard::reconsider_queue() const {
  Reconsider effect;
  effect.connections.reserve(target_.queue.size());
  for (const auto& [arrival, connection] : target_.queue) effect.connections.push_back(connection);
  return effect;
}

Switchboard::Reconsider Switchboard::reconsider_all(const Target& target) const {
  std::vector<std::pair<std::uint64_t, ConnectionId>> order;
  order.reserve(places_.size());
  for (const auto& [connection, place] : places_) {
    if (place.target == &target) order.emplace_back(place.arrival, connection);
  }
  std::sort(order.begin(), order.end());
  Reconsider effect;
  effect.connections.reserve(order.size());
  for (const auto& [arrival, connection] : order) effect.connections.push_back(connection);
  return effect;
}

// ---- what is published --------------------------------------------------------------------------

Switchboard::Effects Switchboard::ask(bool has_closes, TimePoint now) {
  asks_soon_ = false;
  Effects effects;
  if (const auto ticket = barrier_.next(now)) state_.asks = *ticket;
  state_.liveness_check = target_.gate.newest_check();
  const std::uint64_t ended = target_.gate.ended_generation();
  if (has_closes && ended != state_.released) {
    ask_soon(effects);
  } else {
    state_.released = ended;
  }
  // Leave the counts as they are: new counts would make the message be written to the snapshot
  // file.
  effects.push_back(Publish{});
  if (barrier_.has_lapsed() && !has_reported_lapse_) {
    report_lapse(effects);
    effects.push_back(reconsider_queue());
  }
  return effects;
}

Switchboard::Effects Switchboard::crash(Target& target, std::uint64_t generation,
                                        const std::string& shown) {
  target.crash_requests.on(generation, shown);
  Effects effects;
  count_soon(effects);
  return effects;
}

Switchboard::Effects Switchboard::count() {
  counts_soon_ = false;
  state_ = state_now();
  return {Publish{}};
}

bus::ProxyState Switchboard::state_now() const {
  bus::ProxyState state = state_;
  state.clients = places_.size();
  state.held = target_.queue.size();
  state.forwarded = forwarded_;
  state.replayed = replayed_;
  state.crash_generation = target_.crash_requests.generation();
  state.crash_requests = target_.crash_requests.text(state.crash_generation);
  state.problem = has_reported_silence_ ? kUnsupervised : has_reported_lapse_ ? kLapsed : "";
  return state;
}

void Switchboard::ask_soon(Effects& effects) {
  if (!std::exchange(asks_soon_, true)) effects.push_back(AskSoon{});
}

void Switchboard::count_soon(Effects& effects) {
  if (!std::exchange(counts_soon_, true)) effects.push_back(CountSoon{});
}

}  // namespace hpp::proxyd
