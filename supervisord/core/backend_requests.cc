// The requests of the user and of other helpers: to restart, to pause, to stop.
#include <algorithm>
#include <utility>

#include "supervisord/core/backend.h"
#include "supervisord/core/facts.h"

namespace hpp::supervisord {

// Any snapshot answers the liveness check, because a kill is published before it begins.
void Backend::handle(const CheckRequested& event, Now) {
  if (state_ == State::Left || facts_.answers == event.ticket) return;
  facts_.answers = event.ticket;
  publish();
}

// A request during a build kills the build, because the user may be tired of waiting for it.
void Backend::handle(const RestartRequested& event, Now now) {
  report_held_failure();
  if (!accept_request(facts_, event)) return;
  Cause cause{
      .text = request_text(event), .since = "the restart was requested", .at = now, .changed = {}};
  pace_.on_request();
  crash_retry_.on_request();
  // In Killing, the steps may already be done. Their result is good for this request, too.
  if (state_ != State::Killing) preparation_.on_change();
  if (state_ != State::Rebuilding) return restart(std::move(cause));
  const std::string why = cause.text;
  note(std::move(cause));
  kill(State::Killing, why, now);
}

void Backend::handle(const StopRequested&, Now now) {
  report_held_failure();
  switch (state_) {
    case State::Starting:
    case State::Waiting:
    case State::Error:
      if (!kill_due_ && !has_spares_) return leave();
      break;
    case State::Building:
    case State::Loading:
    case State::Failing:
    case State::Running:
    case State::Rebuilding:
    case State::Killing:
      break;
    case State::Stopping:
    case State::Left:
      return;
  }
  kill(State::Stopping, "stop requested", now);
}

// A start that is under way goes on. Only the next changes are noted.
void Backend::handle(const PauseRequested& event, Now) {
  if (state_ == State::Stopping || state_ == State::Left) return;
  if (!accept_pause(facts_, event.ticket)) return;
  if (std::exchange(facts_.paused, true)) return;
  publish();
  emit(wording_.paused());
}

void Backend::handle(const ResumeRequested& event, Now now) {
  if (!accept_pause(facts_, event.ticket)) return;
  if (!facts_.paused) return;
  if (facts_.noted.epoch != 0) report_held_failure();
  facts_.paused = false;
  if (facts_.noted.epoch == 0) {
    publish();
    return emit(Say{kResumedText});
  }
  pace_.on_request();
  restart({.text = paused_cause(noted_files_),
           .since = "the end of the pause",
           .at = now,
           .changed = noted_files_});
}

void Backend::handle(const PauseToggled&, Now now) {
  if (facts_.paused) return handle(ResumeRequested{}, now);
  handle(PauseRequested{}, now);
}

// Whether a change does not begin a restart. If a start is under way, it serves the change.
bool Backend::only_notes() const {
  const bool is_settled = state_ == State::Loading || state_ == State::Failing ||
                          state_ == State::Running || state_ == State::Error;
  return facts_.paused && is_settled;
}

void Backend::note_only(const Cause& cause) {
  if (facts_.noted.epoch == 0) noted_files_.clear();
  for (const std::string& file : cause.changed) {
    const bool is_new =
        std::find(noted_files_.begin(), noted_files_.end(), file) == noted_files_.end();
    if (is_new && noted_files_.size() < bus::kChangedPathsMax) noted_files_.push_back(file);
  }
  facts_.retry = {};
  try_is_due_ = false;
  note_paused_change(facts_);
  publish();
  emit(wording_.paused_change(cause.text));
}

}  // namespace hpp::supervisord
