#include "proxyd/core/gate.h"

namespace hpp::proxyd {

using bus::BackendPhase;

namespace {

// Whether a backend that knows `point` may answer. If its epoch is another one, watchd or
// supervisord has just restarted, and news is on its way, which may never come if the barrier is
// not strict.
bool knows(const bus::TreePoint& point, const std::optional<bus::TreePoint>& needed,
           bool is_strict) {
  if (!needed) return false;
  if (needed->epoch == 0) return true;
  if (needed->epoch != point.epoch) return !is_strict;
  return point.revision >= needed->revision;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::Stay:
      return "Stay";
    case Verdict::Forward:
      return "Forward";
    case Verdict::Hold:
      return "Hold";
    case Verdict::Crashed:
      return "Crashed";
    case Verdict::Unrepeated:
      return "Unrepeated";
    case Verdict::BadGateway:
      return "BadGateway";
    case Verdict::Complete:
      return "Complete";
    case Verdict::QueueFull:
      return "QueueFull";
    case Verdict::Close:
      return "Close";
  }
  return "";
}

Gate Gate::assuming_running() {
  Gate gate;
  gate.is_supervised_ = false;
  gate.on(bus::BackendState{.state = BackendPhase::Running, .generation = 1});
  return gate;
}

Judgement Gate::judge(const Plea& plea, const Barrier& barrier) const {
  Judgement judgement{.generation = generation()};
  switch (plea.situation) {
    case Situation::Idle:
      judgement.verdict = judge_idle(plea);
      break;
    case Situation::Waiting:
      judgement.needs = plea.needs ? plea.needs : barrier.needs(plea.ticket);
      judgement.verdict = judge_waiting(plea, judgement.needs, barrier.is_strict());
      break;
    case Situation::Sent:
      judgement.verdict = judge_sent(plea);
      break;
    case Situation::Ended:
      judgement.verdict = judge_ended(plea);
      break;
    case Situation::Begun:
    case Situation::Tunnel:
      judgement.verdict = is_running(plea.generation) ? Verdict::Stay : Verdict::Close;
      break;
  }
  return judgement;
}

// A backend in Error has ended only if its exit is known to have happened. If it could not be
// spawned, the next attempt may have the same number; if it could not be killed, it lives.
std::uint64_t Gate::ended_generation() const {
  const bool has_exited = backend_ && backend_->exit && backend_->exit->spawn_error.empty();
  const bool has_ended = backend_ && (backend_->state == BackendPhase::Killing ||
                                      (backend_->state == BackendPhase::Error && has_exited));
  return has_ended || generation() == 0 ? generation() : generation() - 1;
}

Verdict Gate::judge_idle(const Plea& plea) const {
  return plea.generation == 0 || is_running(plea.generation) ? Verdict::Stay : Verdict::Close;
}

Verdict Gate::judge_waiting(const Plea& plea, const std::optional<bus::TreePoint>& needs,
                            bool is_strict) const {
  const bool runs = backend_ && backend_->state == BackendPhase::Running;
  const bool has_failed = backend_ && backend_->state == BackendPhase::Error;
  if (runs && knows(backend_->serves, needs, is_strict)) return Verdict::Forward;
  if (has_failed && knows(backend_->seen, needs, is_strict)) return Verdict::Crashed;
  // The barrier is no queue: whoever waits for that alone goes on in a moment.
  const bool waits_for_backend = needs || !runs;
  // A request that a backend had was admitted before: a restart must not refuse it.
  const bool is_refused = plea.is_shut_out && !plea.was_sent;
  return is_refused && waits_for_backend ? Verdict::QueueFull : Verdict::Stay;
}

Verdict Gate::judge_sent(const Plea& plea) const {
  const bool was_its_backend = backend_ && backend_->generation == plea.generation;
  if (was_its_backend && backend_->state == BackendPhase::Error) return Verdict::Crashed;
  if (!is_running(plea.generation)) {
    return plea.repeatable ? Verdict::Hold : Verdict::Unrepeated;
  }
  if (!plea.lost) return Verdict::Stay;
  if (plea.reused && plea.repeatable) return Verdict::Forward;
  return plea.expired || !is_supervised_ ? Verdict::BadGateway : Verdict::Stay;
}

Verdict Gate::judge_ended(const Plea& plea) const {
  if (!is_running(plea.generation)) {
    return plea.nothing_passed ? judge_sent(plea) : Verdict::Close;
  }
  const bus::Ticket doubt{.epoch = doubts_.epoch, .number = plea.ticket};
  const bool is_settled = !is_supervised_ || plea.expired || backend_->answers.covers(doubt);
  return is_settled ? Verdict::Complete : Verdict::Stay;
}

bool Gate::is_running(std::uint64_t generation) const {
  return backend_ && backend_->state == BackendPhase::Running && backend_->generation == generation;
}

}  // namespace hpp::proxyd
