#include "launch/core/household.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace hpp::launch {
namespace {

// Of a program that ends because of a signal, as shells have it.
constexpr int kSignalStatusBase = 128;
constexpr int kFailed = 1;

// The contract of the helpers: 1, it cannot start; 2, its arguments are wrong; kTemporaryFailure,
// it cannot start now.
bool cannot_work(const ExitStatus& status) {
  return !status.by_signal && (status.number == 1 || status.number == 2);
}

bool lacks_something(const ExitStatus& status) {
  return !status.by_signal && status.number == kTemporaryFailure;
}

Say warning(std::string text) {
  return {.tone = Say::Tone::Warning, .text = std::move(text)};
}

Say error(std::string text) {
  return {.tone = Say::Tone::Error, .text = std::move(text)};
}

void append(Effects& effects, Effects more) {
  std::move(more.begin(), more.end(), std::back_inserter(effects));
}

}  // namespace

const char* to_string(Helper helper) {
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

const char* to_string(HouseholdState state) {
  switch (state) {
    case HouseholdState::Keeping:
      return "Keeping";
    case HouseholdState::Stopping:
      return "Stopping";
    case HouseholdState::Killing:
      return "Killing";
    case HouseholdState::Sweeping:
      return "Sweeping";
    case HouseholdState::Left:
      return "Left";
  }
  return "";
}

Effects Household::on(const Event& event, TimePoint now) {
  if (state_ == HouseholdState::Left) return {};
  return std::visit([this, now](const auto& e) { return handle(e, now); }, event);
}

Effects Household::handle(const Begun&, TimePoint) {
  if (state_ != HouseholdState::Keeping) return {};
  return start(kHelpers.front());
}

Effects Household::handle(const BeginFailed& event, TimePoint) {
  if (state_ != HouseholdState::Keeping) return {};
  return fail(event.why);
}

Effects Household::handle(const HelperStarted& event, TimePoint) {
  member(event.which).life = Life::Running;
  member(event.which).is_ready = false;
  switch (state_) {
    case HouseholdState::Keeping:
      return {StartWatchdog{event.which}};
    case HouseholdState::Left:
      return {};
    case HouseholdState::Stopping:
      return {TerminateHelper{event.which}};
    case HouseholdState::Killing:
    case HouseholdState::Sweeping:
      return {KillHelper{event.which}};
  }
  return {};
}

Effects Household::handle(const HelperReady& event, TimePoint) {
  if (state_ != HouseholdState::Keeping) return {};
  member(event.which).is_ready = true;
  member(event.which).start_failed = false;
  if (event.which == Helper::Supervisord && std::exchange(restart_due_, false)) {
    return {RestartBackend{}};
  }
  if (complete_ || event.which != kHelpers.front()) return {};
  complete_ = true;
  Effects effects;
  for (const Helper which : kHelpers) {
    if (which != event.which) append(effects, start(which));
  }
  return effects;
}

Effects Household::handle(const HelperAlive& event, TimePoint) {
  if (state_ != HouseholdState::Keeping || member(event.which).life != Life::Running) return {};
  return {StartWatchdog{event.which}};
}

Effects Household::handle(const WatchdogExpired& event, TimePoint) {
  if (state_ != HouseholdState::Keeping || member(event.which).life != Life::Running) return {};
  if (event.is_traced) return {StartWatchdog{event.which}};
  return {warning(fmt::format("{} has not been heard of for {} s: killing it",
                              to_string(event.which), kWatchdogTime.count() / 1000)),
          KillHelper{event.which}};
}

Effects Household::handle(const StartFailed& event, TimePoint) {
  auto& failed = member(event.which);
  failed.life = Life::Absent;
  if (state_ != HouseholdState::Keeping) return sweep_if_alone();
  const std::string text = fmt::format("cannot start {}: {}", to_string(event.which), event.why);
  const bool has_run = !failed.crashes.empty();
  if (has_run) return start_again(event.which, text);
  return fail(text);
}

Effects Household::handle(const HelperExited& event, TimePoint now) {
  member(event.which).life = Life::Absent;
  if (state_ != HouseholdState::Keeping) return sweep_if_alone();
  if (cannot_work(event.status)) return stop(event.status.number);
  if (lacks_something(event.status)) {
    return handle(StartFailed{event.which, "it lacks something"}, now);
  }
  return restart(event.which, event.status, now);
}

Effects Household::handle(const RestartDue& event, TimePoint) {
  if (member(event.which).life != Life::Resting) return {};
  return start(event.which);
}

Effects Household::handle(const RestartAsked&, TimePoint) {
  if (state_ != HouseholdState::Keeping) return {};
  const Member& supervisord = member(Helper::Supervisord);
  if (supervisord.life == Life::Running && supervisord.is_ready) return {RestartBackend{}};
  restart_due_ = true;
  return {};
}

Effects Household::handle(const StopRequested& event, TimePoint now) {
  const bool is_asked = std::exchange(stop_asked_, true);
  if (!is_asked) stop_asked_at_ = now;
  if (is_asked && now - stop_asked_at_ < kSameStop) return {};
  switch (state_) {
    case HouseholdState::Keeping:
      return stop(event.signal == 0 ? 0 : kSignalStatusBase + event.signal);
    case HouseholdState::Stopping:
      return kill();
    case HouseholdState::Killing:
      return {};  // it cannot be faster
    case HouseholdState::Sweeping:
      return leave();
    case HouseholdState::Left:
      return {};
  }
  return {};
}

Effects Household::handle(const StopTimeOver&, TimePoint) {
  switch (state_) {
    case HouseholdState::Keeping:
    case HouseholdState::Left:
      return {};
    case HouseholdState::Stopping:
      return kill();
    case HouseholdState::Killing: {
      Effects effects{error("a helper does not die of SIGKILL: leaving without it")};
      append(effects, sweep());
      return effects;
    }
    case HouseholdState::Sweeping: {
      Effects effects{
          error("a process of the backend does not die of SIGKILL: leaving without it")};
      append(effects, leave());
      return effects;
    }
  }
  return {};
}

Effects Household::handle(const PlaceLost& event, TimePoint) {
  if (state_ != HouseholdState::Keeping) return {};
  return fail(event.why);
}

Effects Household::handle(const BackendSwept&, TimePoint) {
  if (state_ != HouseholdState::Sweeping) return {};
  return leave();
}

bool Household::any_left() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const Member& member) { return member.life != Life::Absent; });
}

Effects Household::start(Helper which) {
  member(which).life = Life::Starting;
  return {StartHelper{which}};
}

Effects Household::restart(Helper which, const ExitStatus& status, TimePoint now) {
  auto& crashes = member(which).crashes;
  while (!crashes.empty() && now - crashes.front() > kCrashWindow) crashes.pop_front();
  crashes.push_back(now);
  const std::string died = fmt::format("{} died ({})", to_string(which), to_string(status));
  if (crashes.size() >= kCrashesMax) {
    return fail(fmt::format("{}, {} times in {} s: giving up", died, crashes.size(),
                            kCrashWindow.count() / 1000));
  }
  if (crashes.size() == 1) {
    Effects effects{warning(died + ": starting it again")};
    append(effects, start(which));
    return effects;
  }
  const Milliseconds delay = kRestartDelay * (1 << (crashes.size() - 2));
  member(which).life = Life::Resting;
  return {warning(fmt::format("{}: starting it again in {} ms", died, delay.count())),
          StartRestartTimer{which, delay}};
}

Effects Household::start_again(Helper which, const std::string& why) {
  auto& failed = member(which);
  failed.life = Life::Resting;
  Effects effects;
  if (!std::exchange(failed.start_failed, true)) {
    effects.emplace_back(
        warning(fmt::format("{}: trying again every {} ms", why, kStartAgain.count())));
  }
  effects.emplace_back(StartRestartTimer{which, kStartAgain});
  return effects;
}

Effects Household::fail(const std::string& why) {
  Effects effects{error(why)};
  append(effects, stop(kFailed));
  return effects;
}

Effects Household::stop(int exit_status) {
  state_ = HouseholdState::Stopping;
  exit_status_ = exit_status;
  Effects effects;
  for (const Helper which : kHelpers) {
    Life& life = member(which).life;
    if (life == Life::Resting) life = Life::Absent;
    if (life == Life::Running) effects.emplace_back(TerminateHelper{which});
  }
  if (!any_left()) return sweep();
  effects.emplace_back(StartStopTimer{stop_time_});
  return effects;
}

Effects Household::kill() {
  state_ = HouseholdState::Killing;
  Effects effects;
  for (const Helper which : kHelpers) {
    if (member(which).life == Life::Running) effects.emplace_back(KillHelper{which});
  }
  effects.emplace_back(StartStopTimer{kKillTime});
  return effects;
}

Effects Household::sweep() {
  state_ = HouseholdState::Sweeping;
  return {StartStopTimer{kKillTime}, SweepBackend{}};
}

Effects Household::sweep_if_alone() {
  if (state_ == HouseholdState::Sweeping || any_left()) return {};
  return sweep();
}

Effects Household::leave() {
  state_ = HouseholdState::Left;
  return {Leave{exit_status_}};
}

}  // namespace hpp::launch
