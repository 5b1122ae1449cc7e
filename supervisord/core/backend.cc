#include "supervisord/core/backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "common/text.h"
#include "supervisord/core/exclude_advice.h"
#include "supervisord/core/wording.h"

namespace hpp::supervisord {
namespace {

// The advice against restart loops names so many globs.
constexpr std::size_t kAdvisedMax = 20;

void append(Effects& effects, Effects more) {
  std::move(more.begin(), more.end(), std::back_inserter(effects));
}

bool answers_spawn(const Event& event) {
  return std::holds_alternative<Spawned>(event) || std::holds_alternative<SpawnFailed>(event) ||
         std::holds_alternative<PortTaken>(event);
}

bool is_success(const BuildEnded& event) {
  return event.problem.empty() && event.status == ExitStatus{};
}

}  // namespace

Backend::Backend(Settings settings, std::uint64_t spawns_so_far) : settings_(std::move(settings)) {
  assert(!settings_.command.empty());
  facts_.command = settings_.command;
  facts_.generation = spawns_so_far;
}

Effects Backend::on(const Event& event, TimePoint now) {
  assert(answers_spawn(event) == spawn_due_);
  spawn_due_ = false;
  return std::visit([this, now](const auto& e) { return handle(e, now); }, event);
}

Effects Backend::handle(const Begun& event, TimePoint now) {
  if (event.last) return take_over(*event.last, event.wall_ms, now);
  kill_due_ = true;
  return {publish(), KillTree{}, StartTreeWait{}};
}

Effects Backend::handle(const TreeSeen& event, TimePoint now) {
  const bus::TreePoint point = event.tree.point();
  const bus::TreePoint known = facts_.seen;
  const bool news = point.epoch != known.epoch || point.revision > known.revision;
  if (state_ == State::Stopping || state_ == State::Left) return {};
  if (news) facts_.seen = point;
  if (state_ == State::Starting) {
    if (event.tree.watching) tree_wait_over_ = true;
    return start_first(now);
  }
  if (!news) return {};
  is_built_ = false;
  if (state_ == State::Killing) return {publish()};
  const std::string what = known.epoch == 0 ? kNotWatched : what_changed(event.tree);
  // While a build runs beside the backend, the first change has decided that another build follows.
  const bool is_told = state_ == State::Rebuilding && !is_building_next_ && !is_waiting_to_build_;
  if (!is_told) pace_.on_change(event.tree.changed, now);
  return restart({.told = what,
                  .since = what,
                  .at = now,
                  .changed = event.tree.changed,
                  .wall_ms = event.wall_ms});
}

Effects Backend::handle(const TreeWaitExpired&, TimePoint now) {
  if (state_ != State::Starting || tree_wait_over_) return {};
  tree_wait_over_ = true;
  Effects effects{Say{"nobody watches the files yet: starting without"}};
  append(effects, start_first(now));
  return effects;
}

// Whatever is published answers, because a kill is published before it begins.
Effects Backend::handle(const Doubted& event, TimePoint) {
  if (state_ == State::Left || facts_.answers == event.ticket) return {};
  facts_.answers = event.ticket;
  return {publish()};
}

// Whoever asks while a build runs may be tired of it.
Effects Backend::handle(const RestartRequested& event, TimePoint now) {
  Cause cause{.told = "restart requested (SIGHUP)",
              .since = "the restart was requested",
              .at = now,
              .changed = {},
              .wall_ms = event.wall_ms};
  pace_.on_request();
  ++facts_.restarts_asked;
  if (state_ != State::Rebuilding) return restart(std::move(cause));
  const std::string why = cause.told;
  note(std::move(cause));
  return kill(State::Killing, why, now);
}

Effects Backend::handle(const StopRequested&, TimePoint now) {
  switch (state_) {
    case State::Starting:
    case State::Waiting:
    case State::Error:
      if (!kill_due_) return leave();
      break;
    case State::Building:
    case State::Loading:
    case State::Running:
    case State::Rebuilding:
    case State::Killing:
      break;
    case State::Stopping:
    case State::Left:
      return {};
  }
  return kill(State::Stopping, "stop requested", now);
}

Effects Backend::handle(const Spawned& event, TimePoint now) {
  state_ = State::Loading;
  spawned_ = now;
  if (std::exchange(retrying_, false)) {
    pace_.on_start(now);
    if (!facts_.exit) cause_text_ = "the port is free, ";
    since_text_.clear();
    forget_end();
  }
  facts_.state = bus::BackendPhase::Loading;
  facts_.pid = event.pid;
  facts_.restarts_done = facts_.restarts_asked;
  facts_.spawned_at_ms = event.wall_ms;
  Effects effects{publish(), StartProbe{facts_.generation},
                  Say{.text = loading_text(), .begins_restart = !cause_text_.empty()}};
  cause_text_.clear();
  kill_text_.clear();
  build_text_.clear();
  return effects;
}

Effects Backend::handle(const SpawnFailed& event, TimePoint now) {
  const std::string named = fmt::format("{}: {}", facts_.command.front(), event.why);
  if (!retrying_ || spawn_failure_ != named) forget_end();
  facts_.exit = bus::BackendExit{.code = {}, .signal = {}, .spawn_error = named};
  return fail_spawn(named, event.wall_ms, now);
}

Effects Backend::handle(const PortTaken& event, TimePoint now) {
  const std::string text = port_text(event);
  if (!retrying_ || spawn_failure_ != text) forget_end();
  facts_.problem = text;
  return fail_spawn(text, event.wall_ms, now);
}

Effects Backend::handle(const BuildEnded& event, TimePoint now) {
  if (state_ == State::Rebuilding) return rebuilt(event, now);
  if (state_ != State::Building) return {};  // it was killed
  if (!is_success(event)) return build_failed(event, now);
  is_built_ = true;
  build_text_ = ", built in " + text_of(now - build_begun_);
  return spawn();
}

Effects Backend::handle(const Answered& event, TimePoint now) {
  if (event.generation != facts_.generation) return {};
  if (is_strangers()) return switch_to_tree(event);
  if (state_ != State::Loading || held_answer_) return {};
  answered_ = now;
  const auto hold = pace_.on_answer(now);
  if (hold == std::chrono::milliseconds{}) return run(event);
  held_answer_ = event;
  facts_.delay = kHeldText;
  return {publish(), StartTimer{hold}};
}

Effects Backend::run(const Answered& event) {
  state_ = State::Running;
  facts_.state = bus::BackendPhase::Running;
  facts_.delay.clear();
  facts_.ready_at_ms = event.wall_ms;
  facts_.address = event.address;
  facts_.stranger = event.stranger;
  stranger_.clear();
  Effects effects{publish(), Say{running_text()}};
  if (!is_strangers()) {
    has_blamed_stranger_ = false;
  } else {
    effects.emplace_back(Say{stranger_text(event)});
    effects.emplace_back(StartProbe{facts_.generation, StartProbe::Of::TreeInstead});
  }
  return effects;
}

Effects Backend::handle(const StrangerListens& event, TimePoint now) {
  const bool is_awaited = state_ == State::Loading && !held_answer_;
  if (!is_awaited || event.generation != facts_.generation) return {};
  if (stranger_.empty()) stranger_since_ = now;
  stranger_ = event.stranger;
  if (accepts_strangers_ || now - stranger_since_ < kStrangerWait) return {};
  accepts_strangers_ = true;
  return {StartProbe{facts_.generation, StartProbe::Of::Anybody}};
}

Effects Backend::handle(const ProbeSaw& event, TimePoint) {
  const bool is_awaited = state_ == State::Loading && !held_answer_;
  if (!is_awaited || event.generation != facts_.generation) return {};
  facts_.delay = delay_text(event.sight);
  return {publish()};
}

Effects Backend::switch_to_tree(const Answered& event) {
  if (!event.stranger.empty()) return {};
  std::string text =
      fmt::format("Running: your server listens on {} now; requests go there, not to {}",
                  event.address, printable(facts_.stranger));
  facts_.address = event.address;
  facts_.stranger.clear();
  return {publish(), Say{std::move(text)}};
}

// Whether the answers of a process outside the backend's tree are passed on.
bool Backend::is_strangers() const {
  return (state_ == State::Running || state_ == State::Rebuilding) && !facts_.stranger.empty();
}

bool Backend::is_probing() const {
  return (state_ == State::Loading && !held_answer_) || is_strangers();
}

Effects Backend::handle(const ProcessExited& event, TimePoint now) {
  const bool lived =
      state_ == State::Loading || state_ == State::Running || state_ == State::Rebuilding;
  if (!lived || event.generation != facts_.generation) return {};
  if (state_ == State::Rebuilding) {  // there is nothing to be kept
    note(*std::move(next_));
    return kill(State::Killing, fmt::format("{} while it was built anew", to_string(event.status)),
                now);
  }
  Effects effects;
  // Of one that has answered, the change has long been told.
  std::string since;
  if (is_probing()) effects.emplace_back(StopProbe{});
  if (state_ == State::Loading) since = since_text(now);
  effects.emplace_back(KillTree{});
  kill_due_ = true;
  facts_.exit.emplace();
  if (event.status.is_known) {
    (event.status.by_signal ? facts_.exit->signal : facts_.exit->code) = event.status.number;
  }
  facts_.output_tail = event.output_tail;
  facts_.problem = exit_problem(event, facts_.command.front());
  const std::string why = event.problem.empty() ? "" : ": " + printable(event.problem);
  append(effects, fail(fmt::format("{} after {}{}{}; waiting for a change", to_string(event.status),
                                   text_of(now - spawned_), since, why),
                       event.wall_ms, now));
  return effects;
}

Effects Backend::handle(const TreeGone& event, TimePoint now) {
  assert(kill_due_);
  kill_due_ = can_kill_again_ = false;
  switch (state_) {
    case State::Starting:
      return start_first(now);
    case State::Killing:
      kill_text_ = ", killed the old one in " + text_of(now - kill_begun_);
      facts_.killed_at_ms = event.wall_ms;
      return start(now);
    case State::Stopping: {
      Effects effects{Say{"Stopped: the backend is gone after " + text_of(now - kill_begun_)}};
      append(effects, leave());
      return effects;
    }
    case State::Error:
      return remains_gone(now);
    case State::Waiting:
    case State::Building:
    case State::Loading:
    case State::Running:
    case State::Rebuilding:
    case State::Left:
      break;
  }
  return {};
}

// TreeGone in Error: nothing of the failed backend is left.
Effects Backend::remains_gone(TimePoint now) {
  if (is_refused_) return start(now);
  // A start waits for the port if the stranger has it. If the backend fails once more, the stranger
  // is not the reason: it may be the backend's own (docker-proxy).
  if (stranger_.empty() || std::exchange(has_blamed_stranger_, true)) return {};
  return start(now);
}

Effects Backend::take_over(const bus::BackendState& last, std::int64_t wall_ms, TimePoint now) {
  facts_ = last;
  facts_.answers = {};
  facts_.delay.clear();
  facts_.restarts_asked = facts_.restarts_done = 0;
  const std::int64_t age_ms = std::max<std::int64_t>(0, wall_ms - last.spawned_at_ms);
  spawned_ = now - std::chrono::milliseconds(age_ms);
  const std::string taken_over =
      fmt::format("took over generation {}, pid {}", last.generation, last.pid);
  switch (last.state) {
    case bus::BackendPhase::Loading:
      state_ = State::Loading;
      return {publish(), StartProbe{last.generation}, Say{"Loading: " + taken_over}};
    case bus::BackendPhase::Running:
      state_ = State::Running;
      if (last.serves == last.seen) {
        Effects effects{publish(), Say{"Running: " + taken_over}};
        if (is_strangers()) {
          effects.emplace_back(StartProbe{last.generation, StartProbe::Of::TreeInstead});
        }
        return effects;
      }
      // In Rebuilding. That build is nobody's child any more, and two at once would spoil it.
      restart_begun_ = now;
      since_text_ = "hpp-supervisord was started again";
      return kill(State::Killing, taken_over + ", and it is not the newest", now);
    case bus::BackendPhase::Error:
      // Its first process is gone; others may not be.
      state_ = State::Error;
      kill_due_ = true;
      // A change in Error is acted on at once, unless the kill before it was refused.
      is_refused_ = last.serves != last.seen;
      return {publish(), KillTree{}, Say{"Error: still waiting for a change"}};
    case bus::BackendPhase::Killing:
      state_ = State::Killing;
      kill_begun_ = restart_begun_ = now;
      kill_due_ = true;
      return {publish(), KillTree{}, Say{"Killing: went on with it"}};
  }
  return {};
}

// What a change or a request leads to, in every state.
Effects Backend::restart(Cause cause) {
  const TimePoint now = cause.at;
  switch (state_) {
    case State::Starting:  // is about to start
    case State::Killing:
    case State::Stopping:
    case State::Left:
      return {};
    case State::Running:
      if (settings_.build.empty() || !settings_.keep_last_good) break;
      next_ = std::move(cause);
      return rebuild_at_pace(pace_.begin_pause(now), now);
    case State::Rebuilding:
      next_ = std::move(cause);
      is_building_next_ = false;
      return is_waiting_to_build_ ? rebuild_at_pace(pace_.pause(now), now) : Effects{publish()};
    case State::Waiting:
      note(std::move(cause));
      facts_.serves = facts_.seen;
      return start_at_pace(pace_.pause(now), now);
    case State::Error:
    case State::Building:
    case State::Loading:
      break;
  }
  const std::string why = cause.told;
  note(std::move(cause));
  if (state_ != State::Error || kill_due_) return kill(State::Killing, why, now);
  cause_text_ = why + ", ";
  return start(now);
}

// The backend that comes next is because of this.
void Backend::note(Cause cause) {
  next_.reset();
  is_built_ = has_blamed_stranger_ = false;
  restart_begun_ = cause.at;
  since_text_ = std::move(cause.since);
  facts_.cause = {
      .text = std::move(cause.told), .changed = std::move(cause.changed), .at_ms = cause.wall_ms};
  facts_.killed_at_ms = 0;
}

Effects Backend::kill(State next, const std::string& why, TimePoint now) {
  Effects effects;
  if (is_probing()) effects.emplace_back(StopProbe{});
  kill_begun_ = now;
  state_ = next;
  facts_.state = bus::BackendPhase::Killing;
  facts_.delay.clear();
  forget_end();
  // The news goes first: proxyd is to know why its connections end, and that an answer which ends
  // with its connection is not complete.
  effects.emplace_back(publish());
  if (!kill_due_ || can_kill_again_) effects.emplace_back(KillTree{});
  kill_due_ = true;
  is_refused_ = can_kill_again_ = false;
  // Of a restart that had something to build first, this is not the first line.
  const bool is_first = next == State::Killing && !is_built_;
  effects.emplace_back(Say{.text = "Killing: " + why, .begins_restart = is_first});
  return effects;
}

Effects Backend::start_first(TimePoint now) {
  if (!tree_wait_over_ || kill_due_) return {};
  return start(now);
}

Effects Backend::start(TimePoint now) {
  prepare();
  return is_built_ ? spawn() : start_at_pace(pace_.begin_pause(now), now);
}

// Restarts may follow each other so fast that the start must wait.
Effects Backend::start_at_pace(const Pause& pause, TimePoint now) {
  Effects effects;
  if (auto say = announce(pause)) effects.emplace_back(*std::move(say));
  if (pause.length == std::chrono::milliseconds{}) {
    append(effects, begin(now));
    return effects;
  }
  state_ = State::Waiting;
  facts_.state = bus::BackendPhase::Loading;
  facts_.delay = delay_text(pause);
  effects.emplace_back(publish());
  effects.emplace_back(StartTimer{pause.length});
  return effects;
}

Effects Backend::begin(TimePoint now) {
  pace_.on_start(now);
  facts_.delay.clear();
  return settings_.build.empty() ? spawn() : build(now);
}

// One line for each kind of pause in a row. What to do is said again only if a file is found that
// the last advice does not cover.
std::optional<Say> Backend::announce(const Pause& pause) {
  const bool is_same = pause.is == announced_.is && pause.length <= announced_.length &&
                       pause.files == announced_.files;
  announced_ = pause;
  if (is_same || pause.is == Pause::For::Nothing) return std::nullopt;
  const bool knows_cure = pause.is == Pause::For::Loop || pause.is == Pause::For::Advice;
  const bool is_news = knows_cure && find_cure(pause.files);
  if (pause.is == Pause::For::Advice && !is_news) return std::nullopt;
  return Say{pause_text(pause, is_news ? exclude_option(advised_) : "")};
}

// A new generation begins.
void Backend::prepare() {
  ++facts_.generation;
  facts_.serves = facts_.seen;
  facts_.pid = 0;
  facts_.spawned_at_ms = 0;
  facts_.ready_at_ms = 0;
  facts_.address.clear();
  facts_.stranger.clear();
  stranger_.clear();
  held_answer_.reset();
  facts_.delay.clear();
  accepts_strangers_ = false;
  is_refused_ = false;
  retrying_ = false;
  forget_end();
}

// Returns whether `advised_` has grown.
bool Backend::find_cure(const std::vector<std::string>& files) {
  bool has_grown = false;
  for (std::string& glob : globs_to_exclude(files)) {
    const bool is_known = std::find(advised_.begin(), advised_.end(), glob) != advised_.end();
    if (is_known || advised_.size() == kAdvisedMax) continue;
    advised_.push_back(std::move(glob));
    has_grown = true;
  }
  return has_grown;
}

Effects Backend::spawn() {
  spawn_due_ = true;
  return {Spawn{facts_.generation}};
}

Effects Backend::build(TimePoint now) {
  state_ = State::Building;
  facts_.state = bus::BackendPhase::Loading;
  build_begun_ = now;
  std::string text =
      fmt::format("Building: {}running {}{}", cause_text_, printable(settings_.build), kill_text_);
  const bool is_first = !cause_text_.empty();
  cause_text_.clear();
  kill_text_.clear();
  return {publish(), Build{}, Say{.text = std::move(text), .begins_restart = is_first}};
}

Effects Backend::build_failed(const BuildEnded& event, TimePoint now) {
  facts_.problem = failure_text(settings_.build, event);
  facts_.output_tail = event.output_tail;
  kill_due_ = true;
  Effects effects{KillTree{}};  // what it has left running
  append(effects, fail(fmt::format("{} after {}; waiting for a change", printable(facts_.problem),
                                   text_of(now - build_begun_)),
                       event.wall_ms, now));
  return effects;
}

// As start_at_pace(), while the backend goes on.
Effects Backend::rebuild_at_pace(const Pause& pause, TimePoint now) {
  Effects effects;
  if (auto say = announce(pause)) effects.emplace_back(*std::move(say));
  is_waiting_to_build_ = pause.length != std::chrono::milliseconds{};
  if (!is_waiting_to_build_) {
    append(effects, rebuild(now));
    return effects;
  }
  state_ = State::Rebuilding;
  is_building_next_ = false;
  forget_end();
  facts_.delay = delay_text(pause);
  effects.emplace_back(publish());
  effects.emplace_back(StartTimer{pause.length});
  return effects;
}

Effects Backend::rebuild(TimePoint now) {
  state_ = State::Rebuilding;
  pace_.on_start(now);
  build_begun_ = now;
  is_building_next_ = true;
  is_waiting_to_build_ = false;
  facts_.delay.clear();
  forget_end();
  std::string text =
      fmt::format("Building: {}, running {}", next_->told, printable(settings_.build));
  return {publish(), Build{}, Say{.text = std::move(text), .begins_restart = true}};
}

Effects Backend::rebuilt(const BuildEnded& event, TimePoint now) {
  if (!is_building_next_) return rebuild_at_pace(pace_.begin_pause(now), now);
  if (is_success(event)) {
    build_text_ = ", built in " + text_of(now - build_begun_);
    const std::string why = next_->told;
    note(*std::move(next_));
    is_built_ = true;
    return kill(State::Killing, why, now);
  }
  next_.reset();
  pace_.on_failure(now);
  state_ = State::Running;
  facts_.restarts_done = facts_.restarts_asked;
  facts_.serves = facts_.seen;
  facts_.problem = failure_text(settings_.build, event);
  facts_.output_tail = event.output_tail;
  return {publish(),
          Say{fmt::format("Running: {} after {}; generation {} goes on", printable(facts_.problem),
                          text_of(now - build_begun_), facts_.generation)}};
}

void Backend::forget_end() {
  facts_.ended_at_ms = 0;
  facts_.exit.reset();
  facts_.output_tail.clear();
  facts_.problem.clear();
}

Effects Backend::handle(const TimerExpired&, TimePoint now) {
  switch (state_) {
    case State::Waiting:
      return begin(now);
    case State::Rebuilding:
      return is_waiting_to_build_ ? rebuild(now) : Effects{};
    case State::Loading:
      if (!held_answer_) return {};
      pace_.on_hold_over(now);
      return run(*std::exchange(held_answer_, std::nullopt));
    case State::Error:
      if (spawn_failure_.empty() || kill_due_) return {};
      retrying_ = true;
      return spawn();
    case State::Starting:
    case State::Building:
    case State::Running:
    case State::Killing:
    case State::Stopping:
    case State::Left:
      break;
  }
  return {};
}

Effects Backend::handle(const KillRefused& event, TimePoint now) {
  assert(kill_due_);
  const std::string text = refusal_text(event);
  if (state_ == State::Stopping) {
    Effects effects{Say{"Stopped: " + printable(text)}};
    append(effects, leave());
    return effects;
  }
  const bool is_awaited = state_ == State::Killing || state_ == State::Starting;
  if (!is_awaited && state_ != State::Error) return {};
  can_kill_again_ = true;
  is_refused_ = is_refused_ || is_awaited;
  facts_.problem = text;
  if (is_refused_) facts_.problem += "; hpp goes on as soon as that has ended";
  return fail(printable(facts_.problem), event.wall_ms, now);
}

// The reason may end without a change: the spawn is tried again.
Effects Backend::fail_spawn(std::string because, std::int64_t wall_ms, TimePoint now) {
  if (retrying_ && spawn_failure_ == because) return {StartTimer{kRetryEvery}};
  const bool is_port = facts_.exit == std::nullopt;
  Effects effects = fail(
      is_port ? printable(because)
              : fmt::format("cannot start {}; hpp tries again until it can", printable(because)),
      wall_ms, now);
  spawn_failure_ = std::move(because);
  effects.emplace_back(StartTimer{kRetryEvery});
  return effects;
}

Effects Backend::fail(const std::string& because, std::int64_t wall_ms, TimePoint now) {
  state_ = State::Error;
  pace_.on_failure(now);
  spawn_failure_.clear();
  retrying_ = false;
  facts_.ended_at_ms = wall_ms;
  facts_.state = bus::BackendPhase::Error;
  facts_.delay.clear();
  facts_.restarts_done = facts_.restarts_asked;
  facts_.pid = 0;
  cause_text_.clear();
  kill_text_.clear();
  build_text_.clear();
  return {publish(), Say{"Error: " + because}};
}

Effects Backend::leave() {
  state_ = State::Left;
  if (facts_.pid == 0) return {Leave{}};
  facts_.pid = 0;
  return {publish(), Leave{}};
}

Publish Backend::publish() const {
  return {facts_};
}

std::string Backend::loading_text() const {
  return fmt::format("Loading: {}started {} (generation {}, pid {}){}{}", cause_text_,
                     text_of(facts_.command), facts_.generation, facts_.pid, kill_text_,
                     build_text_);
}

std::string Backend::running_text() const {
  return fmt::format("Running: generation {} answers after {}{}", facts_.generation,
                     text_of(answered_ - spawned_), since_text(answered_));
}

// How long it took in all.
std::string Backend::since_text(TimePoint now) const {
  if (since_text_.empty()) return {};
  return fmt::format(", {} after {}", text_of(now - restart_begun_), since_text_);
}

std::string_view to_string(Backend::State state) {
  switch (state) {
    case Backend::State::Starting:
      return "Starting";
    case Backend::State::Waiting:
      return "Waiting";
    case Backend::State::Building:
      return "Building";
    case Backend::State::Loading:
      return "Loading";
    case Backend::State::Running:
      return "Running";
    case Backend::State::Rebuilding:
      return "Rebuilding";
    case Backend::State::Error:
      return "Error";
    case Backend::State::Killing:
      return "Killing";
    case Backend::State::Stopping:
      return "Stopping";
    case Backend::State::Left:
      return "Left";
  }
  return "";
}

}  // namespace hpp::supervisord
