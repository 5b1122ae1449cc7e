#include "proxyd/core/history.h"

namespace hpp::proxyd {

void History::on(const bus::BackendState& backend) {
  // In Killing, `cause` is already the cause of the next start.
  if (backend.state == bus::BackendPhase::Killing || backend.generation == 0) return;
  if (starts_.empty() || starts_.front().generation != backend.generation) {
    // After a restart of hpp-launch, generations start again at 1.
    if (!starts_.empty() && starts_.front().generation > backend.generation) starts_.clear();
    starts_.push_front({.generation = backend.generation, .cause = {}, .problem = {}});
    if (starts_.size() > kStartsKept) starts_.pop_back();
  }
  Start& newest = starts_.front();
  newest.cause = backend.cause;
  newest.killed_at_ms = backend.killed_at_ms;
  newest.spawned_at_ms = backend.spawned_at_ms;
  newest.ready_at_ms = backend.ready_at_ms;
  newest.ended_at_ms = backend.ended_at_ms;
  newest.exit = backend.exit;
  newest.problem = backend.problem;
  newest.how = backend.start;
}

void History::answered(std::uint64_t generation, std::int64_t now_ms) {
  if (awaits_answer(generation)) starts_.front().first_byte_at_ms = now_ms;
}

}  // namespace hpp::proxyd
