#include "proxyd/core/gate.h"

namespace hpp::proxyd {

using bus::BackendPhase;

namespace {

// Whether a backend with the tree `point` may answer a request that needs `needed`. If the epochs
// differ, watchd or supervisord has just restarted. A strict barrier waits for the next report; if
// the barrier is not strict, that report may never come.
bool knows(const bus::TreePoint& point, const std::optional<bus::TreePoint>& needed,
           bool is_strict) {
  if (!needed) return false;
  if (needed->epoch == 0) return true;
  if (needed->epoch != point.epoch) return !is_strict;
  return point.revision >= needed->revision;
}

}  // namespace

std::string_view to_string(Decision decision) {
  switch (decision) {
    case Decision::Stay:
      return "Stay";
    case Decision::Forward:
      return "Forward";
    case Decision::Hold:
      return "Hold";
    case Decision::Crashed:
      return "Crashed";
    case Decision::Unrepeated:
      return "Unrepeated";
    case Decision::BadGateway:
      return "BadGateway";
    case Decision::Complete:
      return "Complete";
    case Decision::QueueFull:
      return "QueueFull";
    case Decision::Close:
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

Judgement Gate::judge(const Query& query, const Barrier& barrier) const {
  Judgement judgement{.generation = generation()};
  switch (query.situation) {
    case Situation::Idle:
      judgement.decision = judge_idle(query);
      break;
    case Situation::Waiting:
      judgement.needs = query.needs ? query.needs : barrier.needs(query.ticket);
      judgement.decision = judge_waiting(query, judgement.needs, barrier.is_strict());
      break;
    case Situation::Sent:
      judgement.decision = judge_sent(query);
      break;
    case Situation::Ended:
      judgement.decision = judge_ended(query);
      break;
    case Situation::Begun:
    case Situation::Tunnel:
      judgement.decision = is_running(query.generation) ? Decision::Stay : Decision::Close;
      break;
  }
  return judgement;
}

// A backend in Error has ended only if supervisord reports its exit. If it could not be spawned,
// the next attempt may get the same generation. If it could not be killed, it is still alive.
std::uint64_t Gate::ended_generation() const {
  const bool has_exited = backend_ && backend_->exit && backend_->exit->spawn_error.empty();
  const bool has_ended = backend_ && (backend_->state == BackendPhase::Killing ||
                                      (backend_->state == BackendPhase::Error && has_exited));
  return has_ended || generation() == 0 ? generation() : generation() - 1;
}

Decision Gate::judge_idle(const Query& query) const {
  return query.generation == 0 || is_running(query.generation) ? Decision::Stay : Decision::Close;
}

Decision Gate::judge_waiting(const Query& query, const std::optional<bus::TreePoint>& needs,
                             bool is_strict) const {
  const bool runs = backend_ && backend_->state == BackendPhase::Running;
  const bool has_failed = backend_ && backend_->state == BackendPhase::Error;
  if (runs && knows(backend_->serves, needs, is_strict)) return Decision::Forward;
  if (has_failed && knows(backend_->seen, needs, is_strict)) return Decision::Crashed;
  // A request that waits only for the answer to its ticket does not count for the queue, because it
  // goes on in a moment.
  const bool waits_for_backend = needs || !runs;
  // If a backend had the request, the queue has admitted it before. A restart must not refuse it.
  const bool is_refused = query.is_shut_out && !query.was_sent;
  return is_refused && waits_for_backend ? Decision::QueueFull : Decision::Stay;
}

Decision Gate::judge_sent(const Query& query) const {
  const bool was_its_backend = backend_ && backend_->generation == query.generation;
  if (was_its_backend && backend_->state == BackendPhase::Error) return Decision::Crashed;
  if (!is_running(query.generation)) {
    return query.repeatable ? Decision::Hold : Decision::Unrepeated;
  }
  if (!query.lost) return Decision::Stay;
  if (query.reused && query.repeatable) return Decision::Forward;
  return query.expired || !is_supervised_ ? Decision::BadGateway : Decision::Stay;
}

Decision Gate::judge_ended(const Query& query) const {
  if (!is_running(query.generation)) {
    return query.nothing_passed ? judge_sent(query) : Decision::Close;
  }
  const bus::Ticket doubt{.epoch = doubts_.epoch, .number = query.ticket};
  const bool is_settled = !is_supervised_ || query.expired || backend_->answers.covers(doubt);
  return is_settled ? Decision::Complete : Decision::Stay;
}

bool Gate::is_running(std::uint64_t generation) const {
  return backend_ && backend_->state == BackendPhase::Running && backend_->generation == generation;
}

}  // namespace hpp::proxyd
