#include "proxyd/core/gate.h"

#include <type_traits>

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

// The newest tree whose requests need not wait for another backend.
const bus::TreePoint& passes_with(const bus::BackendState& backend) {
  return backend.noted.epoch == 0 ? backend.serves : backend.noted;
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
  if (const auto* const waiting = std::get_if<situation::Waiting>(&query)) {
    judgement.needs = waiting->needs ? waiting->needs : barrier.needs(waiting->ticket);
  }
  judgement.decision = std::visit(
      [&](const auto& asked) {
        if constexpr (std::is_same_v<decltype(asked), const situation::Waiting&>) {
          return decide(asked, judgement.needs, barrier.is_strict());
        } else {
          return decide(asked);
        }
      },
      query);
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

Decision Gate::decide(const situation::Idle& idle) const {
  return idle.generation == 0 || is_running(idle.generation) ? Decision::Stay : Decision::Close;
}

Decision Gate::decide(const situation::Waiting& waiting, const std::optional<bus::TreePoint>& needs,
                      bool is_strict) const {
  const bool runs = backend_ && backend_->state == BackendPhase::Running;
  const bool has_failed = backend_ && backend_->state == BackendPhase::Error;
  if (runs && knows(passes_with(*backend_), needs, is_strict)) return Decision::Forward;
  if (has_failed && knows(backend_->seen, needs, is_strict)) return Decision::Crashed;
  // A request that waits only for the answer to its ticket does not count for the queue, because it
  // goes on in a moment.
  const bool waits_for_backend = needs || !runs;
  // If the request was forwarded, the queue has admitted it before. A restart must not refuse it.
  const bool is_refused = waiting.is_shut_out && !waiting.was_forwarded;
  return is_refused && waits_for_backend ? Decision::QueueFull : Decision::Stay;
}

Decision Gate::decide(const situation::Sent& sent) const {
  const bool was_its_backend = backend_ && backend_->generation == sent.generation;
  if (was_its_backend && backend_->state == BackendPhase::Error) return Decision::Crashed;
  if (is_running(sent.generation)) return Decision::Stay;
  return sent.repeatable ? Decision::Hold : Decision::Unrepeated;
}

Decision Gate::decide(const situation::Lost& lost) const {
  if (!is_running(lost.generation)) {
    return decide(situation::Sent{.generation = lost.generation, .repeatable = lost.repeatable});
  }
  if (lost.reused && lost.repeatable) return Decision::Forward;
  return lost.expired || !is_supervised_ ? Decision::BadGateway : Decision::Stay;
}

Decision Gate::decide(const situation::Begun& begun) const {
  return is_running(begun.generation) ? Decision::Stay : Decision::Close;
}

Decision Gate::decide(const situation::Ended& ended) const {
  if (!is_running(ended.generation)) {
    if (!ended.nothing_passed) return Decision::Close;
    return decide(situation::Sent{.generation = ended.generation, .repeatable = ended.repeatable});
  }
  const bus::Ticket check{.epoch = checks_.epoch, .number = ended.check};
  const bool is_settled = !is_supervised_ || ended.expired || backend_->answers.covers(check);
  return is_settled ? Decision::Complete : Decision::Stay;
}

bool Gate::is_running(std::uint64_t generation) const {
  return backend_ && backend_->state == BackendPhase::Running && backend_->generation == generation;
}

}  // namespace hpp::proxyd
