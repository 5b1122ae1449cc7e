// The failures of a start: when readers learn of them, and what they learn.
#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "common/text.h"
#include "supervisord/core/backend.h"
#include "supervisord/core/brief.h"

namespace hpp::supervisord {

void Backend::handle(const SpawnFailed& event, Now now) {
  on_spawn_problem(
      {.because = fmt::format("{}: {}", facts_.command.front(), event.why),
       .failure = event.is_not_found ? bus::Failure::CommandNotFound : bus::Failure::CannotStart},
      now);
}

void Backend::handle(const PortTaken& event, Now now) {
  on_spawn_problem({.because = port_text(event), .failure = bus::Failure::PortInUse}, now);
}

// A retry that fails for the same reason is neither logged nor published.
void Backend::on_spawn_problem(SpawnProblem problem, Now now) {
  if (retrying_ && spawn_failure_ == problem.because) return emit(StartTimer{kRetryEvery});
  on_failure(std::move(problem), now);
}

void Backend::handle(const ProcessExited& event, Now now) {
  if (event.generation != facts_.generation) return;
  if (state_ == State::Rebuilding) end_failure_hold(now);
  const bool lived =
      state_ == State::Loading || state_ == State::Running || state_ == State::Rebuilding;
  if (!lived) return;
  if (state_ == State::Rebuilding) {  // there is no backend left to keep
    note(*std::move(next_));
    return kill(State::Killing, to_string(event.status) + " during the build", now);
  }
  if (is_probing()) emit(StopProbe{});
  emit(KillTree{});
  kill_due_ = true;
  on_failure(event, now);
}

void Backend::handle(const KillRefused& event, Now now) {
  assert(kill_due_);
  const std::string text = refusal_text(event);
  if (state_ == State::Stopping) {
    emit(Say{"Stopped: " + printable(text)});
    return leave();
  }
  if (state_ == State::Failing) end_failure_hold(now);
  const bool is_awaited = state_ == State::Killing || state_ == State::Starting;
  if (!is_awaited && state_ != State::Error) return;
  can_kill_again_ = true;
  is_refused_ = is_refused_ || is_awaited;
  facts_.problem = text;
  facts_.failure = bus::Failure::CannotKill;
  if (is_refused_) facts_.problem += "; hpp then continues by itself";
  pace_.on_failure(now.steady);
  fail({.text = "Error: " + printable(facts_.problem),
        .brief = Brief{.headword = state_ == State::Starting ? "cannot start" : "cannot restart",
                       .text = ": " + printable(facts_.problem),
                       .advice = {}}},
       now);
}

// Publishes the failure, unless pace_ holds it back.
void Backend::on_failure(Failure failure, Now now) {
  const auto hold = pace_.on_failure(now.steady);
  held_failure_ = {.failure = std::move(failure), .at = now};
  held_answer_.reset();
  if (hold == std::chrono::milliseconds{}) return report_held_failure();
  if (state_ != State::Rebuilding) {
    state_ = State::Failing;
    facts_.pid = 0;
  }
  facts_.delay = kHeldFailureText;
  publish();
  emit(StartTimer{hold});
}

// No file has changed in the meantime.
void Backend::end_failure_hold(Now now) {
  if (!held_failure_) return;
  pace_.on_hold_over(now.steady);
  report_held_failure();
}

void Backend::report_held_failure() {
  const auto held = std::exchange(held_failure_, std::nullopt);
  if (!held) return;
  std::visit([&](const auto& failure) { report(failure, held->at); }, held->failure);
}

void Backend::report(const ProcessExited& failure, Now at) {
  const bool has_run = state_ == State::Running;
  note_exit(facts_, failure);
  facts_.retry =
      facts_.failure == bus::Failure::Crashed ? crash_retry_.on_crash(at.steady) : bus::Retry{};
  fail(wording_.ended(failure, facts_, has_run, at.steady), at);
  if (!kill_due_) await_try();
}

// The processes of the backend are gone. Begins the pause before the next try, if there is one.
void Backend::await_try() {
  if (facts_.retry.pause_ms == 0) return;
  try_is_due_ = true;
  emit(StartTimer{std::chrono::milliseconds(facts_.retry.pause_ms)});
}

void Backend::try_again(Now now) {
  bus::Retry retry = std::exchange(facts_.retry, {});
  retry.pause_ms = 0;
  note({.text = fmt::format("try {} of {} after a crash", retry.tries, retry.most),
        .since = "",
        .at = now,
        .changed = {}});
  facts_.retry = retry;
  start(now);
}

void Backend::report(const StepEnded& failure, Now at) {
  const std::string problem = failure_text(preparation_.step().command, failure);
  if (state_ != State::Rebuilding) {
    note_failed_step(facts_, failure, problem);
    return fail(wording_.step_failed(failure, preparation_.step(), facts_, at.steady), at);
  }
  next_.reset();
  state_ = State::Running;
  facts_.delay.clear();
  note_failed_rebuild(facts_, failure, problem);
  publish();
  emit(wording_.step_failed(failure, preparation_.step(), facts_, at.steady));
}

// The spawn is retried later, because the reason may end without a change.
void Backend::report(const SpawnProblem& failure, Now at) {
  forget_end(facts_);
  facts_.failure = failure.failure;
  const bool is_port = failure.failure == bus::Failure::PortInUse;
  if (is_port) {
    facts_.problem = failure.because;
  } else {
    facts_.exit = bus::BackendExit{.code = {}, .signal = {}, .spawn_error = failure.because};
  }
  fail(cannot_start(failure.because, is_port), at);
  spawn_failure_ = failure.because;
  emit(StartTimer{kRetryEvery});
}

void Backend::fail(Say say, Now now) {
  state_ = State::Error;
  spawn_failure_.clear();
  retrying_ = false;
  note_failure(facts_, now);
  wording_.on_failure();
  publish();
  emit(std::move(say));
}

}  // namespace hpp::supervisord
