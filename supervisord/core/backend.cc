#include "supervisord/core/backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/text.h"
#include "supervisord/core/brief.h"

namespace hpp::supervisord {
namespace {

bool answers_spawn(const Event& event) {
  return std::holds_alternative<Spawned>(event) || std::holds_alternative<SpawnFailed>(event) ||
         std::holds_alternative<PortTaken>(event);
}

bool is_success(const StepEnded& event) {
  return event.problem.empty() && event.status == ExitStatus{};
}

}  // namespace

Backend::Backend(Settings settings, const bus::BackendState& previous)
    : keep_last_good_(settings.keep_last_good),
      has_spares_(settings.has_spares),
      is_manual_(settings.is_manual),
      is_announced_(settings.is_announced),
      preparation_(std::move(settings.steps)),
      wording_(settings.has_keys),
      crash_retry_(settings.retries),
      pace_(settings.settle) {
  assert(!settings.command.empty());
  facts_.command = std::move(settings.command);
  facts_.generation = previous.generation;
  facts_.paused = previous.paused;
  facts_.restart_accepted = previous.restart_accepted;
  facts_.pause_accepted = previous.pause_accepted;
}

Effects Backend::on(const Event& event, Now now) {
  assert(answers_spawn(event) == spawn_due_);
  spawn_due_ = false;
  std::visit([this, now](const auto& e) { handle(e, now); }, event);
  return take_effects();
}

void Backend::handle(const Begun& event, Now now) {
  if (event.last) return take_over(*event.last, now);
  facts_.paused = facts_.paused || is_manual_;
  kill_due_ = true;
  publish();
  emit(KillTree{});
  if (is_manual_) emit(wording_.manual());
  emit(StartTimer{kTreeWait});
}

void Backend::handle(const TreeSeen& event, Now now) {
  const bus::TreePoint point = event.tree.point();
  const bus::TreePoint known = facts_.seen;
  const bool news = point.epoch != known.epoch || point.revision > known.revision;
  if (state_ == State::Stopping || state_ == State::Left) return;
  // A step runs beside the backend and is already outdated. Further changes before its end belong
  // to the same restart, and are not reported to pace_.
  bool is_reported = state_ == State::Rebuilding && preparation_.is_outdated();
  if (news && held_failure_ && !only_notes()) {
    // The failure belongs to the files before this change.
    pace_.on_change(event.tree.changed, now.steady);
    is_reported = true;
    report_held_failure();
  }
  if (news) facts_.seen = point;
  if (state_ == State::Starting) {
    if (event.tree.watching) tree_wait_over_ = true;
    return start_first(now);
  }
  if (!news) return;
  crash_retry_.on_change();
  const std::string what = known.epoch == 0 ? kNotWatched : what_changed(event.tree);
  Cause cause{.text = what, .since = what, .at = now, .changed = event.tree.changed};
  preparation_.on_change();
  if (state_ == State::Killing) return publish();
  if (only_notes()) return note_only(cause);
  if (!is_reported) pace_.on_change(event.tree.changed, now.steady);
  restart(std::move(cause));
}

void Backend::handle(const Spawned& event, Now now) {
  state_ = State::Loading;
  wording_.on_spawn(now.steady);
  if (std::exchange(retrying_, false)) {
    pace_.on_start(now.steady);
    wording_.on_retry(/*port_was_taken=*/!facts_.exit);
    forget_end(facts_);
  }
  note_spawn(facts_, event, now);
  publish();
  probe();
  emit(wording_.loading(facts_));
}

void Backend::handle(const SpareFailed& event, Now now) {
  if (state_ != State::Loading || event.generation != facts_.generation) return;
  kill(State::Killing, event.why + "; starting your server without the spare", now);
}

void Backend::handle(const StepEnded& event, Now now) {
  if (state_ != State::Building && state_ != State::Rebuilding) return;  // the step was killed
  const bool is_outdated = preparation_.is_outdated();
  if (is_success(event)) wording_.on_step_done(preparation_.step(), now.steady);
  if (preparation_.on_step_end(is_success(event))) return run_step();
  if (is_outdated) return rebuild_at_pace(pace_.begin_pause(now.steady), now);
  if (preparation_.is_done()) return state_ == State::Rebuilding ? rebuilt(now) : spawn();
  if (state_ == State::Building) {
    kill_due_ = true;
    emit(KillTree{});  // the build may have left processes
  }
  on_failure(event, now);
}

void Backend::handle(const Announced& event, Now) {
  if (!awaits_answer() || event.generation != facts_.generation || facts_.announced) return;
  note_announcement(facts_);
  publish();
  probe();
}

void Backend::handle(const Answered& event, Now now) {
  if (event.generation != facts_.generation) return;
  if (is_strangers()) return switch_to_tree(event);
  if (!awaits_answer()) return;
  const auto hold = pace_.on_answer(now.steady);
  if (hold == std::chrono::milliseconds{}) return run(event, now);
  held_answer_ = {.answer = event, .at = now};
  facts_.delay = kHeldText;
  publish();
  emit(StartTimer{hold});
}

void Backend::run(const Answered& event, Now answered) {
  state_ = State::Running;
  note_answer(facts_, event, answered);
  strangers_.on_answer(is_strangers());
  crash_retry_.on_answer(answered.steady);
  publish();
  emit(wording_.running(event, facts_.start, answered.steady));
  if (!is_strangers()) return;
  emit(Say{stranger_text(event)});
  emit(StartProbe{facts_.generation, StartProbe::Of::TreeInstead});
}

void Backend::handle(const StrangerListens& event, Now now) {
  if (!awaits_answer() || event.generation != facts_.generation) return;
  if (!strangers_.on_found(now.steady)) return;
  emit(StartProbe{facts_.generation, StartProbe::Of::AnyProcess});
}

void Backend::handle(const ProbeSaw& event, Now) {
  if (!awaits_answer() || event.generation != facts_.generation) return;
  facts_.delay = delay_text(event.sight);
  publish();
  if (!event.is_late || event.sight.is == Sight::Is::Nothing) return;
  emit(late_line(event.sight, facts_.announced));
}

void Backend::switch_to_tree(const Answered& event) {
  if (!event.stranger.empty()) return;
  std::string text =
      fmt::format("Running: your server listens on {} now; requests go there, not to {}",
                  event.address, printable(facts_.stranger));
  facts_.address = event.address;
  facts_.stranger.clear();
  publish();
  emit(Say{std::move(text)});
}

// Whether requests are passed on to a process outside the backend's tree.
bool Backend::is_strangers() const {
  return (state_ == State::Running || state_ == State::Rebuilding) && !facts_.stranger.empty();
}

bool Backend::awaits_answer() const {
  return state_ == State::Loading && !held_answer_;
}

// Whether StartProbe or AwaitAnnouncement has begun something.
bool Backend::is_probing() const {
  return awaits_answer() || is_strangers();
}

void Backend::probe() {
  if (is_announced_ && !facts_.announced) return emit(AwaitAnnouncement{facts_.generation});
  emit(StartProbe{facts_.generation});
}

void Backend::handle(const TreeGone&, Now now) {
  assert(kill_due_);
  kill_due_ = can_kill_again_ = false;
  switch (state_) {
    case State::Starting:
      return start_first(now);
    case State::Killing:
      wording_.on_killed(now.steady);
      facts_.killed_at_ms = now.wall_ms;
      return start(now);
    case State::Stopping:
      emit(wording_.stopped(now.steady));
      return leave();
    case State::Error:
      if (is_refused_ || strangers_.are_to_blame()) return start(now);
      return await_try();
    case State::Waiting:
    case State::Building:
    case State::Loading:
    case State::Failing:
    case State::Running:
    case State::Rebuilding:
    case State::Left:
      break;
  }
}

void Backend::take_over(const bus::BackendState& last, Now now) {
  facts_ = taken_over(last);
  crash_retry_.resume(
      last, now.steady,
      std::chrono::milliseconds(std::max<std::int64_t>(0, now.wall_ms - last.ready_at_ms)));
  const std::int64_t age_ms = std::max<std::int64_t>(0, now.wall_ms - last.spawned_at_ms);
  wording_.on_spawn(now.steady - std::chrono::milliseconds(age_ms));
  const std::string taken_over =
      fmt::format("took over generation {}, pid {}", last.generation, last.pid);
  switch (last.state) {
    case bus::BackendPhase::Loading:
      state_ = State::Loading;
      publish();
      probe();
      return emit(Say{.text = "Loading: " + taken_over, .brief = silence()});
    case bus::BackendPhase::Running:
      state_ = State::Running;
      if (last.serves == last.seen || last.noted == last.seen) {
        publish();
        emit(Say{.text = "Running: " + taken_over, .brief = kRanOn});
        if (is_strangers()) emit(StartProbe{last.generation, StartProbe::Of::TreeInstead});
        return;
      }
      // The state was Rebuilding. The running build cannot be taken over, and a second build beside
      // it could spoil the result. Therefore the build is killed together with the backend.
      wording_.on_restart("hpp-supervisord was started again", now.steady);
      return kill(State::Killing, taken_over + ", but files have changed since its start", now);
    case bus::BackendPhase::Error:
      // The first process is gone, but others may live.
      state_ = State::Error;
      kill_due_ = true;
      // In Error, a change is served at once unless it was only noted, or a kill was refused. So
      // `seen` differs from both only if the start still waits for those processes.
      is_refused_ = last.serves != last.seen && last.noted != last.seen;
      publish();
      emit(KillTree{});
      return emit(Say{.text = last.retry.pause_ms == 0 ? "Error: still waiting for a change"
                                                       : "Error: " + bus::to_string(last.retry),
                      .brief = silence()});
    case bus::BackendPhase::Killing:
      state_ = State::Killing;
      wording_.on_kill(now.steady);
      kill_due_ = true;
      publish();
      emit(KillTree{});
      return emit(Say{.text = "Killing: continuing what the previous hpp-supervisord began",
                      .brief = silence()});
  }
}

// Reacts to a change or a request, in every state.
void Backend::restart(Cause cause) {
  const Now now = cause.at;
  switch (state_) {
    case State::Starting:  // is about to start
    case State::Killing:
    case State::Stopping:
    case State::Left:
      return;
    case State::Running:
      if (!keep_last_good_ || !preparation_.has_steps()) break;
      facts_.noted = {};
      next_ = std::move(cause);
      return rebuild_at_pace(pace_.begin_pause(now.steady), now);
    case State::Rebuilding:
      next_ = std::move(cause);
      return preparation_.is_due() ? rebuild_at_pace(pace_.pause(now.steady), now) : publish();
    case State::Waiting:
      note(std::move(cause));
      facts_.serves = facts_.seen;
      return start_at_pace(pace_.pause(now.steady), now);
    case State::Error:
    case State::Building:
    case State::Loading:
    case State::Failing:
      break;
  }
  const std::string why = cause.text;
  note(std::move(cause));
  if (state_ != State::Error || kill_due_) return kill(State::Killing, why, now);
  wording_.on_start_without_kill(why);
  start(now);
}

// Records the cause of the next backend.
void Backend::note(Cause cause) {
  next_.reset();
  strangers_.on_change();
  wording_.on_restart(std::move(cause.since), cause.at.steady);
  facts_.cause = {.text = std::move(cause.text),
                  .changed = std::move(cause.changed),
                  .at_ms = cause.at.wall_ms};
  facts_.killed_at_ms = 0;
  facts_.retry = {};
}

void Backend::kill(State next, const std::string& why, Now now) {
  if (is_probing()) emit(StopProbe{});
  wording_.on_kill(now.steady);
  state_ = next;
  note_kill(facts_);
  // The snapshot precedes the kill, so that proxyd knows why its connections end, and that a
  // response which ends with its connection may be incomplete.
  publish();
  if (!kill_due_ || can_kill_again_) emit(KillTree{});
  kill_due_ = true;
  is_refused_ = can_kill_again_ = false;
  preparation_.abort();
  // If a build has preceded the kill, the restart's first line was about the build.
  const bool is_first = next == State::Killing && !preparation_.is_done();
  Say say = wording_.killing(why, next == State::Stopping);
  say.begins_restart = is_first;
  emit(std::move(say));
}

void Backend::start_first(Now now) {
  if (tree_wait_over_ && !kill_due_) start(now);
}

void Backend::give_up_tree_wait(Now now) {
  if (std::exchange(tree_wait_over_, true)) return;
  emit(Say{"hpp-watchd is not ready yet: starting your server without it"});
  start_first(now);
}

void Backend::start(Now now) {
  prepare();
  if (preparation_.is_done()) return spawn();
  start_at_pace(pace_.begin_pause(now.steady), now);
}

// Announces the pause, and waits for its end in `state`. Returns false if there is no pause.
bool Backend::waits(State state, const Pause& pause) {
  if (auto say = wording_.pausing(pause)) emit(*std::move(say));
  if (pause.length == std::chrono::milliseconds{}) return false;
  state_ = state;
  forget_end(facts_);
  facts_.delay = delay_text(pause);
  publish();
  emit(StartTimer{pause.length});
  return true;
}

void Backend::start_at_pace(const Pause& pause, Now now) {
  if (!waits(State::Waiting, pause)) begin(now);
}

void Backend::begin(Now now) {
  pace_.on_start(now.steady);
  facts_.delay.clear();
  if (!preparation_.begin()) return spawn();
  state_ = State::Building;
  wording_.on_preparation(now.steady);
  publish();
  run_step();
}

// A new generation begins.
void Backend::prepare() {
  begin_generation(facts_);
  strangers_.on_start();
  held_answer_.reset();
  is_refused_ = false;
  retrying_ = false;
  try_is_due_ = false;
}

void Backend::spawn() {
  spawn_due_ = true;
  emit(Spawn{facts_.generation});
}

void Backend::run_step() {
  emit(RunStep{preparation_.step().command});
  emit(wording_.preparing(preparation_.step()));
}

// Like start_at_pace(), while the backend lives on.
void Backend::rebuild_at_pace(const Pause& pause, Now now) {
  if (!waits(State::Rebuilding, pause)) rebuild(now);
}

void Backend::rebuild(Now now) {
  state_ = State::Rebuilding;
  pace_.on_start(now.steady);
  facts_.delay.clear();
  forget_end(facts_);
  preparation_.begin();
  wording_.on_preparation(now.steady);
  wording_.on_start_without_kill(next_->text);
  publish();
  run_step();
}

// The steps beside the backend have succeeded, and no file has changed meanwhile.
void Backend::rebuilt(Now now) {
  const std::string why = next_->text;
  note(*std::move(next_));
  kill(State::Killing, why, now);
}

void Backend::handle(const TimerExpired&, Now now) {
  switch (state_) {
    case State::Starting:
      return give_up_tree_wait(now);
    case State::Waiting:
      return begin(now);
    case State::Rebuilding:
      if (held_failure_) return end_failure_hold(now);
      if (preparation_.is_due()) rebuild(now);
      return;
    case State::Failing:
      end_failure_hold(now);
      if (!kill_due_ && strangers_.are_to_blame()) start(now);
      return;
    case State::Loading: {
      const auto held = std::exchange(held_answer_, std::nullopt);
      if (!held) return;
      pace_.on_hold_over(now.steady);
      return run(held->answer, held->at);
    }
    case State::Error:
      if (kill_due_) return;
      if (try_is_due_) return try_again(now);
      if (spawn_failure_.empty()) return;
      retrying_ = true;
      return spawn();
    case State::Building:
    case State::Running:
    case State::Killing:
    case State::Stopping:
    case State::Left:
      break;
  }
}

// A supervisord that is started later does not continue the pause.
void Backend::leave() {
  state_ = State::Left;
  const bool was_paused = std::exchange(facts_.paused, false);
  facts_.noted = {};
  if (std::exchange(facts_.pid, 0) != 0 || was_paused) publish();
  emit(Leave{});
}

void Backend::publish() {
  emit(Publish{facts_});
}

}  // namespace hpp::supervisord
