#include "supervisord/core/crash_retry.h"

#include <algorithm>

namespace hpp::supervisord {

void CrashRetry::resume(const bus::BackendState& last, TimePoint now,
                        std::chrono::milliseconds age) {
  const bool has_answered = last.state == bus::BackendPhase::Running;
  tries_ = last.retry.tries;
  is_untried_ = !has_answered && last.retry.pause_ms == 0 && !last.cause.changed.empty();
  if (has_answered) answered_ = now - age;
}

void CrashRetry::on_change() {
  tries_ = 0;
  is_untried_ = true;
}

void CrashRetry::on_answer(TimePoint now) {
  is_untried_ = false;
  answered_ = now;
}

bus::Retry CrashRetry::on_crash(TimePoint now) {
  if (answered_ && now - *answered_ >= kCrashForgotten) tries_ = 0;
  answered_.reset();
  bus::Retry retry{.tries = tries_, .most = most_};
  if (is_untried_ || tries_ >= most_) return retry;
  const auto pause = kRetryPauses.at(std::min<std::uint64_t>(tries_, kRetryPauses.size() - 1));
  retry.tries = ++tries_;
  retry.pause_ms = pause.count();
  return retry;
}

}  // namespace hpp::supervisord
