#include "proxyd/core/gate.h"

namespace hpp::proxyd {

using bus::BackendPhase;

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

Verdict Gate::judge(const Plea& plea) const {
  switch (plea.situation) {
    case Situation::Idle:
      if (plea.generation == 0 || is_running(plea.generation)) return Verdict::Stay;
      return Verdict::Close;
    case Situation::Waiting:
      return judge_waiting();
    case Situation::Sent:
      return judge_sent(plea);
    case Situation::Begun:
    case Situation::Tunnel:
      return is_running(plea.generation) ? Verdict::Stay : Verdict::Close;
  }
  return Verdict::Stay;
}

Verdict Gate::judge_waiting() const {
  if (!backend_) return Verdict::Stay;
  switch (backend_->state) {
    case BackendPhase::Loading:
    case BackendPhase::Killing:
      return Verdict::Stay;
    case BackendPhase::Running:
      return is_fresh(backend_->serves) ? Verdict::Forward : Verdict::Stay;
    case BackendPhase::Error:
      return is_fresh(backend_->seen) ? Verdict::Crashed : Verdict::Stay;
  }
  return Verdict::Stay;
}

Verdict Gate::judge_sent(const Plea& plea) const {
  const bool was_its_backend = backend_ && backend_->generation == plea.generation;
  if (was_its_backend && backend_->state == BackendPhase::Error) return Verdict::Crashed;
  if (!is_running(plea.generation)) {
    return plea.repeatable ? Verdict::Hold : Verdict::Unrepeated;
  }
  if (!plea.lost) return Verdict::Stay;
  if (plea.reused && plea.repeatable) return Verdict::Forward;
  return plea.expired ? Verdict::BadGateway : Verdict::Stay;
}

bool Gate::is_running(std::uint64_t generation) const {
  return backend_ && backend_->state == BackendPhase::Running && backend_->generation == generation;
}

// Whether a backend of that point may answer a request that arrives now. A tree of which nothing
// is known, or of another epoch than supervisord's (one of the two has just restarted, and news is
// on its way), holds nobody.
bool Gate::is_fresh(const bus::TreePoint& point) const {
  if (!tree_ || !tree_->watching || tree_->stamp.epoch != point.epoch) return true;
  return point.revision >= tree_->revision;
}

}  // namespace hpp::proxyd
