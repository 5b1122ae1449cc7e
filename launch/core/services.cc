#include "launch/core/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "common/advice/refused_kill.h"

namespace hpp::launch {
namespace {

// Exit status of a program that a signal has ended, as shells report it: this plus the signal.
constexpr int kSignalStatusBase = 128;
constexpr int kFailed = 1;

// A helper exits with 1 if it cannot start, with 2 if its arguments are wrong, and with
// kTemporaryFailure if it cannot start now.
bool cannot_work(const ExitStatus& status) {
  return !status.by_signal && (status.number == 1 || status.number == 2);
}

bool cannot_start_now(const ExitStatus& status) {
  return !status.by_signal && status.number == kTemporaryFailure;
}

Say warning(std::string text) {
  return {.tone = Say::Tone::Warning, .text = std::move(text)};
}

Say error(std::string text) {
  return {.tone = Say::Tone::Error, .text = std::move(text)};
}

// `pid 12 (cat) has not ended after SIGKILL`, or what the user can do about processes of another
// user.
std::string survivors_text(const std::vector<Survivor>& survivors) {
  std::vector<std::int64_t> refused;
  std::string who;
  for (const Survivor& survivor : survivors) {
    if (!survivor.is_refused) continue;
    who += (who.empty() ? "" : ", ") + survivor.description;
    refused.push_back(survivor.pid);
  }
  if (!refused.empty()) return advice::refused_kill_text(who, refused);
  return fmt::format(
      "{} has not ended after SIGKILL; exiting without waiting for it",
      survivors.empty() ? "a process of your server" : survivors.front().description);
}

}  // namespace

std::string_view to_string(Helper helper) {
  switch (helper) {
    case Helper::Proxyd:
      return "hpp-proxyd";
    case Helper::Watchd:
      return "hpp-watchd";
    case Helper::Supervisord:
      return "hpp-supervisord";
  }
  return "";
}

std::string_view to_string(Services::State state) {
  switch (state) {
    case Services::State::Keeping:
      return "Keeping";
    case Services::State::Stopping:
      return "Stopping";
    case Services::State::Killing:
      return "Killing";
    case Services::State::Sweeping:
      return "Sweeping";
    case Services::State::Left:
      return "Left";
  }
  return "";
}

Effects Services::on(const Event& event, TimePoint now) {
  if (state_ == State::Left) return {};
  std::visit([this, now](const auto& e) { handle(e, now); }, event);
  return take_effects();
}

void Services::handle(const Begun&, TimePoint) {
  if (state_ == State::Keeping) start(kHelpers.front());
}

void Services::handle(const BeginFailed& event, TimePoint) {
  if (state_ == State::Keeping) fail(event.why);
}

void Services::handle(const HelperStarted& event, TimePoint) {
  member(event.which).life = Life::Running;
  member(event.which).is_ready = false;
  switch (state_) {
    case State::Keeping:
      return emit(StartWatchdog{event.which});
    case State::Left:
      return;
    case State::Stopping:
      return emit(TerminateHelper{event.which});
    case State::Killing:
    case State::Sweeping:
      return emit(KillHelper{event.which});
  }
}

void Services::handle(const HelperReady& event, TimePoint) {
  if (state_ != State::Keeping) return;
  member(event.which).is_ready = true;
  member(event.which).start_failed = false;
  if (event.which == Helper::Supervisord) {
    if (std::exchange(restart_due_, false)) emit(RestartBackend{});
    if (std::exchange(toggle_due_, false)) emit(TogglePause{});
  }
  if (complete_ || event.which != kHelpers.front()) return;
  complete_ = true;
  for (const Helper which : kHelpers) {
    if (which != event.which) start(which);
  }
}

void Services::handle(const HelperAlive& event, TimePoint) {
  if (state_ != State::Keeping || member(event.which).life != Life::Running) return;
  emit(StartWatchdog{event.which});
}

void Services::handle(const WatchdogExpired& event, TimePoint) {
  if (state_ != State::Keeping || member(event.which).life != Life::Running) return;
  if (event.is_traced) return emit(StartWatchdog{event.which});
  emit(warning(fmt::format("{} has not responded for {} s; killing it", to_string(event.which),
                           kWatchdogTime.count() / 1000)));
  emit(KillHelper{event.which});
}

void Services::handle(const StartFailed& event, TimePoint) {
  auto& failed = member(event.which);
  failed.life = Life::Absent;
  if (state_ != State::Keeping) return sweep_if_alone();
  const std::string text = fmt::format("cannot start {}: {}", to_string(event.which), event.why);
  const bool has_run = !failed.crashes.empty();
  if (has_run) return start_again(event.which, text);
  fail(text);
}

void Services::handle(const HelperExited& event, TimePoint now) {
  member(event.which).life = Life::Absent;
  if (state_ != State::Keeping) return sweep_if_alone();
  if (cannot_work(event.status)) return stop(event.status.number);
  if (cannot_start_now(event.status)) {
    return handle(StartFailed{event.which, "a resource is missing"}, now);
  }
  restart(event.which, event.status, now);
}

void Services::handle(const RestartDue& event, TimePoint) {
  if (member(event.which).life == Life::BackingOff) start(event.which);
}

void Services::handle(const RestartAsked&, TimePoint) {
  if (state_ != State::Keeping) return;
  if (is_supervised()) return emit(RestartBackend{});
  restart_due_ = true;
}

// A second request before supervisord is ready takes back the first one.
void Services::handle(const PauseAsked&, TimePoint) {
  if (state_ != State::Keeping) return;
  if (is_supervised()) return emit(TogglePause{});
  toggle_due_ = !toggle_due_;
}

void Services::handle(const StopRequested& event, TimePoint now) {
  const bool is_asked = std::exchange(stop_asked_, true);
  if (!is_asked) stop_asked_at_ = now;
  if (is_asked && now - stop_asked_at_ < kSameStop) return;
  switch (state_) {
    case State::Keeping:
      return stop(event.signal == 0 ? 0 : kSignalStatusBase + event.signal);
    case State::Stopping:
      return kill();
    case State::Killing:
      return;  // SIGKILL was sent already
    case State::Sweeping:
      return leave();
    case State::Left:
      return;
  }
}

void Services::handle(const StopTimeOver& event, TimePoint) {
  switch (state_) {
    case State::Keeping:
    case State::Left:
      return;
    case State::Stopping:
      return kill();
    case State::Killing:
      emit(error("a helper has not ended after SIGKILL; exiting without waiting for it"));
      return sweep();
    case State::Sweeping:
      emit(error(survivors_text(event.survivors)));
      return leave();
  }
}

void Services::handle(const PlaceLost& event, TimePoint) {
  if (state_ == State::Keeping) fail(event.why);
}

void Services::handle(const BackendSwept&, TimePoint) {
  if (state_ != State::Sweeping) return;
  const bool was_asked = exit_status_ == 0 || exit_status_ > kSignalStatusBase;
  if (was_asked) emit(Say{.tone = Say::Tone::Info, .text = "stopped"});
  leave();
}

bool Services::is_supervised() const {
  const Member& supervisord = member(Helper::Supervisord);
  return supervisord.life == Life::Running && supervisord.is_ready;
}

bool Services::any_left() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const Member& member) { return member.life != Life::Absent; });
}

void Services::start(Helper which) {
  member(which).life = Life::Starting;
  emit(StartHelper{which});
}

void Services::restart(Helper which, const ExitStatus& status, TimePoint now) {
  auto& crashes = member(which).crashes;
  while (!crashes.empty() && now - crashes.front() > kCrashWindow) crashes.pop_front();
  crashes.push_back(now);
  const std::string died = fmt::format("{} died ({})", to_string(which), to_string(status));
  if (crashes.size() >= kCrashesMax) {
    return fail(fmt::format("{}, {} times in {} s: giving up", died, crashes.size(),
                            kCrashWindow.count() / 1000));
  }
  if (crashes.size() == 1) {
    emit(warning(died + ": starting it again"));
    return start(which);
  }
  const Milliseconds delay = kRestartDelay * (1 << (crashes.size() - 2));
  member(which).life = Life::BackingOff;
  emit(warning(fmt::format("{}: starting it again in {} ms", died, delay.count())));
  emit(StartRestartTimer{which, delay});
}

void Services::start_again(Helper which, const std::string& why) {
  auto& failed = member(which);
  failed.life = Life::BackingOff;
  if (!std::exchange(failed.start_failed, true)) {
    emit(warning(fmt::format("{}: trying again every {} ms", why, kStartAgain.count())));
  }
  emit(StartRestartTimer{which, kStartAgain});
}

void Services::fail(const std::string& why) {
  emit(error(why));
  stop(kFailed);
}

void Services::stop(int exit_status) {
  state_ = State::Stopping;
  exit_status_ = exit_status;
  for (const Helper which : kHelpers) {
    Life& life = member(which).life;
    if (life == Life::BackingOff) life = Life::Absent;
    if (life == Life::Running) emit(TerminateHelper{which});
  }
  if (!any_left()) return sweep();
  emit(StartStopTimer{stop_time_});
}

void Services::kill() {
  state_ = State::Killing;
  for (const Helper which : kHelpers) {
    if (member(which).life == Life::Running) emit(KillHelper{which});
  }
  emit(StartStopTimer{kKillTime});
}

void Services::sweep() {
  state_ = State::Sweeping;
  emit(StartStopTimer{kKillTime});
  emit(SweepBackend{});
}

void Services::sweep_if_alone() {
  if (state_ != State::Sweeping && !any_left()) sweep();
}

void Services::leave() {
  state_ = State::Left;
  emit(Leave{exit_status_});
}

}  // namespace hpp::launch
