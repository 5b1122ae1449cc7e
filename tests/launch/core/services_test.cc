// Unit tests of Services. Each test is a trace of events and of the expected effects.
#include "launch/core/services.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "tests/support/driver.h"

namespace hpp::launch {

using test::PrintTo;

namespace {

using namespace std::chrono_literals;
using enum Helper;
using enum Services::State;

constexpr ExitStatus kKilled{.by_signal = true, .number = SIGKILL};
constexpr ExitStatus kOrderly{.by_signal = false, .number = 0};

Say warning(const std::string& text) {
  return {.tone = Say::Tone::Warning, .text = text};
}

Say info(const std::string& text) {
  return {.tone = Say::Tone::Info, .text = text};
}

Say error(const std::string& text) {
  return {.tone = Say::Tone::Error, .text = text};
}

// The warning about a helper that SIGKILL has ended.
Say killed(Helper which, const char* when = "") {
  return warning(
      fmt::format("{} died (signal 9 (Killed)): starting it again{}", to_string(which), when));
}

Effects terminate_all() {
  return {TerminateHelper{Proxyd}, TerminateHelper{Watchd}, TerminateHelper{Supervisord},
          StartStopTimer{kStopTime}};
}

Effects kill_all() {
  return {KillHelper{Proxyd}, KillHelper{Watchd}, KillHelper{Supervisord},
          StartStopTimer{kKillTime}};
}

Effects sweep() {
  return {StartStopTimer{kKillTime}, SweepBackend{}};
}

// Passes events to a Services and checks its effects.
class Steps : public test::Driver<Services, Event, Effect> {
 public:
  Steps() : Driver(Services()) {}

  // By default, a stop comes kSameStop later, so that it counts as another one.
  Steps& when(const Event& event, Milliseconds later = 0ms) {
    const bool is_stop = std::holds_alternative<StopRequested>(event);
    (*this)(event, later == 0ms && is_stop ? kSameStop : later);
    return *this;
  }

  Steps& when(const Event& event, Services::State expected_state, const Effects& expected = {},
              int line = __builtin_LINE()) {
    return when(event, 0ms, expected_state, expected, line);
  }

  Steps& when(const Event& event, Milliseconds later, Services::State expected_state,
              const Effects& expected = {}, int line = __builtin_LINE()) {
    when(event, later);
    EXPECT_EQ(effects(), expected) << "line " << line;
    EXPECT_EQ(to_string(state()), to_string(expected_state)) << "line " << line;
    return *this;
  }

  // Passes several events whose effects other tests check.
  template <class... E>
  Steps& after(const E&... events) {
    (when(events), ...);
    return *this;
  }
};

Steps all_running() {
  Steps steps;
  steps.when(Begun{}, Keeping, {StartHelper{Proxyd}})
      .when(HelperStarted{Proxyd}, Keeping, {StartWatchdog{Proxyd}})
      .when(HelperReady{Proxyd}, Keeping, {StartHelper{Watchd}, StartHelper{Supervisord}})
      .when(HelperStarted{Watchd}, Keeping, {StartWatchdog{Watchd}})
      .when(HelperStarted{Supervisord}, Keeping, {StartWatchdog{Supervisord}});
  return steps;
}

TEST(Services, StopsInOrder) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    all_running()
        .when(StopRequested{signal}, Stopping, terminate_all())
        .when(HelperExited{Watchd, kOrderly}, Stopping)
        .when(HelperExited{Proxyd, kOrderly}, Stopping)
        .when(HelperExited{Supervisord, kOrderly}, Sweeping, sweep())
        .when(BackendSwept{}, Left, {info("stopped"), Leave{128 + signal}})
        .when(StopTimeOver{}, Left)
        .when(StopRequested{SIGINT}, Left);
  }
}

TEST(Services, KillsHelpersThatDoNotStopInTime) {
  all_running()
      .when(StopRequested{SIGTERM}, Stopping, terminate_all())
      .when(HelperExited{Proxyd, kOrderly}, Stopping)
      .when(StopTimeOver{}, kStopTime, Killing,
            {KillHelper{Watchd}, KillHelper{Supervisord}, StartStopTimer{kKillTime}})
      .when(HelperExited{Watchd, kKilled}, Killing)
      .when(HelperExited{Supervisord, kKilled}, Sweeping, sweep())
      .when(BackendSwept{}, Left, {info("stopped"), Leave{143}});
}

TEST(Services, ExitsWithinASecondEvenIfNoProcessDies) {
  EXPECT_LT(kStopTime + kKillTime + kKillTime, 1s);
  all_running()
      .when(StopRequested{SIGINT})
      .when(StopTimeOver{}, kStopTime)
      .when(StopTimeOver{}, kKillTime, Sweeping,
            {error("a helper has not ended after SIGKILL; exiting without waiting for it"),
             StartStopTimer{kKillTime}, SweepBackend{}})
      .when(StopTimeOver{}, kKillTime, Left,
            {error("a process of your server has not ended after SIGKILL; exiting without waiting "
                   "for it"),
             Leave{130}});
}

TEST(Services, SaysWhatToDoAboutProcessesOfAnotherUser) {
  const Survivor stuck{.pid = 11, .description = "pid 11 (cat)"};
  const Survivor refused{.pid = 12, .description = "pid 12 (sudo a)", .is_refused = true};
  const auto said = [](const std::vector<Survivor>& survivors, const char* text) {
    all_running()
        .when(StopRequested{SIGINT})
        .when(StopTimeOver{}, kStopTime)
        .when(StopTimeOver{}, kKillTime)
        .when(StopTimeOver{survivors}, kKillTime, Left, {error(text), Leave{130}});
  };
  said({stuck}, "pid 11 (cat) has not ended after SIGKILL; exiting without waiting for it");
  said({stuck, refused},
       "pid 12 (sudo a) cannot be ended, because it belongs to another user. End it with sudo kill "
       "-9 12");
}

TEST(Services, DoesNotWaitAfterTheSecondStop) {
  all_running()
      .when(StopRequested{SIGINT})
      .when(StopRequested{SIGINT}, Killing, kill_all())
      .when(StopRequested{SIGINT}, Killing)
      .after(HelperExited{Proxyd, kKilled}, HelperExited{Watchd, kKilled})
      .when(HelperExited{Supervisord, kKilled}, Sweeping, sweep())
      .when(StopRequested{SIGINT}, Left, {Leave{130}});
}

TEST(Services, StopsIfAnotherHppLaunchHasTakenTheRunDirectory) {
  all_running()
      .when(PlaceLost{"taken"}, Stopping,
            {error("taken"), TerminateHelper{Proxyd}, TerminateHelper{Watchd},
             TerminateHelper{Supervisord}, StartStopTimer{kStopTime}})
      .when(PlaceLost{"taken"}, Stopping)
      .after(HelperExited{Proxyd, {}}, HelperExited{Watchd, {}})
      .when(HelperExited{Supervisord, {}}, Sweeping, sweep())
      .when(BackendSwept{}, Left, {Leave{1}});
}

TEST(Services, StopsIfAHelpersRestartFindsTheRunDirectoryTaken) {
  all_running()
      .when(HelperExited{Proxyd, kKilled})
      .when(PlaceLost{"taken"}, Stopping,
            {error("taken"), TerminateHelper{Watchd}, TerminateHelper{Supervisord},
             StartStopTimer{kStopTime}})
      .when(StartFailed{Proxyd, "taken"}, Stopping)
      .when(HelperExited{Watchd, {}})
      .when(HelperExited{Supervisord, {}}, Sweeping, sweep());
}

TEST(Services, StopsIfAnEarlierHelperCannotBeKilled) {
  Steps()
      .when(
          BeginFailed{"an earlier hpp-watchd does not end"}, Sweeping,
          {error("an earlier hpp-watchd does not end"), StartStopTimer{kKillTime}, SweepBackend{}})
      .when(BackendSwept{}, Left, {Leave{1}});
  Steps().when(StopRequested{SIGINT}).when(BeginFailed{"why"}, Sweeping);
}

// npm forwards the SIGINT that the terminal has already sent to the whole process group.
TEST(Services, CountsTwoStopSignalsInQuickSuccessionAsOne) {
  all_running()
      .when(StopRequested{SIGINT})
      .when(StopRequested{SIGINT}, kSameStop - 1ms, Stopping)
      .when(StopRequested{SIGINT}, 1ms, Killing, kill_all());
}

TEST(Services, RestartsACrashedHelperAtOnce) {
  all_running()
      .when(HelperExited{Watchd, kKilled}, Keeping, {killed(Watchd), StartHelper{Watchd}})
      .when(HelperStarted{Watchd}, Keeping, {StartWatchdog{Watchd}})
      .when(HelperExited{Supervisord, {.by_signal = false, .number = 134}}, Keeping,
            {warning("hpp-supervisord died (exit code 134): starting it again"),
             StartHelper{Supervisord}});
}

TEST(Services, HandlesAnUnrequestedExitAsACrash) {
  all_running().when(
      HelperExited{Proxyd, kOrderly}, Keeping,
      {warning("hpp-proxyd died (exit code 0): starting it again"), StartHelper{Proxyd}});
}

TEST(Services, BacksOffThenGivesUp) {
  all_running()
      .when(HelperExited{Proxyd, kKilled}, Keeping, {killed(Proxyd), StartHelper{Proxyd}})
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled}, Keeping,
            {killed(Proxyd, " in 100 ms"), StartRestartTimer{Proxyd, 100ms}})
      .when(RestartDue{Proxyd}, 100ms, Keeping, {StartHelper{Proxyd}})
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled}, Keeping,
            {killed(Proxyd, " in 200 ms"), StartRestartTimer{Proxyd, 200ms}})
      .when(RestartDue{Proxyd}, 200ms)
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled}, Keeping,
            {killed(Proxyd, " in 400 ms"), StartRestartTimer{Proxyd, 400ms}})
      .when(RestartDue{Proxyd}, 400ms)
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled}, Stopping,
            {error("hpp-proxyd died (signal 9 (Killed)), 5 times in 10 s: giving up"),
             TerminateHelper{Watchd}, TerminateHelper{Supervisord}, StartStopTimer{kStopTime}})
      .after(HelperExited{Watchd, kOrderly}, HelperExited{Supervisord, kOrderly})
      .when(BackendSwept{}, Left, {Leave{1}});
}

TEST(Services, ForgetsOldCrashes) {
  Steps steps = all_running();
  for (int i = 0; i < 20; ++i) {
    steps
        .when(HelperExited{Watchd, kKilled}, kCrashWindow + 1ms, Keeping,
              {killed(Watchd), StartHelper{Watchd}})
        .when(HelperStarted{Watchd});
  }
}

TEST(Services, CountsTheCrashesOfEachHelperSeparately) {
  Steps steps = all_running();
  for (const Helper which : kHelpers) {
    steps.when(HelperExited{which, kKilled}, Keeping, {killed(which), StartHelper{which}})
        .when(HelperStarted{which});
  }
}

TEST(Services, ExitsWithTheStatusOfAHelperThatCannotWork) {
  for (const int status : {1, 2}) {
    all_running()
        .when(HelperExited{Proxyd, {.by_signal = false, .number = status}}, Stopping,
              {TerminateHelper{Watchd}, TerminateHelper{Supervisord}, StartStopTimer{kStopTime}})
        .after(HelperExited{Watchd, kOrderly}, HelperExited{Supervisord, kOrderly})
        .when(BackendSwept{}, Left, {Leave{status}});
  }
}

TEST(Services, ExitsWithTheStatusOfTheFirstCause) {
  all_running()
      .when(HelperExited{Proxyd, {.by_signal = false, .number = 1}})
      .when(StopRequested{SIGINT}, Killing,
            {KillHelper{Watchd}, KillHelper{Supervisord}, StartStopTimer{kKillTime}})
      .after(HelperExited{Watchd, kKilled},
             HelperExited{Supervisord, {.by_signal = false, .number = 2}})
      .when(BackendSwept{}, Left, {Leave{1}});
}

TEST(Services, StartsNoOtherHelperIfProxydCannotWork) {
  Steps steps;
  steps.after(Begun{}, HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, {.by_signal = false, .number = 1}}, Sweeping, sweep())
      .when(HelperReady{Proxyd}, Sweeping)
      .when(BackendSwept{}, Left, {Leave{1}});
}

TEST(Services, StartsTheOthersOnceEvenIfProxydCrashesAtFirst) {
  Steps steps;
  steps.after(Begun{}, HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled}, Keeping, {killed(Proxyd), StartHelper{Proxyd}})
      .when(HelperStarted{Proxyd})
      .when(HelperReady{Proxyd}, Keeping, {StartHelper{Watchd}, StartHelper{Supervisord}})
      .when(HelperReady{Proxyd}, Keeping);
}

TEST(Services, ReportsWhyAHelperCannotBeStarted) {
  Steps steps;
  steps.after(Begun{}, HelperStarted{Proxyd}, HelperReady{Proxyd})
      .when(StartFailed{Watchd, "cannot fork: Resource temporarily unavailable"}, Stopping,
            {error("cannot start hpp-watchd: cannot fork: Resource temporarily unavailable"),
             TerminateHelper{Proxyd}, StartStopTimer{kStopTime}})
      .when(StartFailed{Supervisord, "the same"}, Stopping)
      .when(HelperExited{Proxyd, kOrderly}, Sweeping, sweep())
      .when(BackendSwept{}, Left, {Leave{1}});
}

TEST(Services, RetriesAHelperThatExitsWithATemporaryFailure) {
  constexpr ExitStatus kCannotStartNow{.by_signal = false, .number = kTemporaryFailure};
  Steps steps = all_running();
  steps.after(HelperExited{Watchd, kKilled}, HelperStarted{Watchd})
      .when(HelperExited{Watchd, kCannotStartNow}, Keeping,
            {warning("cannot start hpp-watchd: a resource is missing: trying again every 1000 ms"),
             StartRestartTimer{Watchd, kStartAgain}})
      .after(RestartDue{Watchd}, HelperStarted{Watchd})
      .when(HelperExited{Watchd, kCannotStartNow}, Keeping,
            {StartRestartTimer{Watchd, kStartAgain}});
}

TEST(Services, StopsIfTheFirstStartFailsTemporarily) {
  Steps steps;
  steps.after(Begun{}, HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, {.by_signal = false, .number = kTemporaryFailure}}, Sweeping,
            {error("cannot start hpp-proxyd: a resource is missing"), StartStopTimer{kKillTime},
             SweepBackend{}});
}

TEST(Services, RetriesTheStartOfAHelperThatHasRun) {
  const std::string why = "cannot fork: Cannot allocate memory";
  Steps steps = all_running();
  for (const auto* crash : {"the first", "another, later: the warning is repeated"}) {
    SCOPED_TRACE(crash);
    steps.when(HelperExited{Watchd, kKilled})
        .when(StartFailed{Watchd, why}, Keeping,
              {warning("cannot start hpp-watchd: " + why + ": trying again every 1000 ms"),
               StartRestartTimer{Watchd, kStartAgain}})
        .when(RestartDue{Watchd}, Keeping, {StartHelper{Watchd}})
        .when(StartFailed{Watchd, why}, Keeping, {StartRestartTimer{Watchd, kStartAgain}})
        .when(RestartDue{Watchd}, Keeping, {StartHelper{Watchd}})
        .when(HelperStarted{Watchd}, Keeping, {StartWatchdog{Watchd}})
        .when(HelperReady{Watchd}, Keeping);
  }
  steps.after(HelperExited{Watchd, kKilled}, StartFailed{Watchd, why})
      .when(StopRequested{SIGINT}, Stopping,
            {TerminateHelper{Proxyd}, TerminateHelper{Supervisord}, StartStopTimer{kStopTime}})
      .when(RestartDue{Watchd}, Stopping);
}

TEST(Services, TerminatesAHelperWhoseStartWasInProgress) {
  Steps steps;
  steps.after(Begun{}, HelperStarted{Proxyd}, HelperReady{Proxyd})
      .when(StopRequested{SIGINT}, Stopping, {TerminateHelper{Proxyd}, StartStopTimer{kStopTime}})
      .when(HelperStarted{Watchd}, Stopping, {TerminateHelper{Watchd}})
      .when(StopRequested{SIGINT}, Killing,
            {KillHelper{Proxyd}, KillHelper{Watchd}, StartStopTimer{kKillTime}})
      .when(HelperStarted{Supervisord}, Killing, {KillHelper{Supervisord}});
}

TEST(Services, StartsNoHelperAfterTheStop) {
  all_running()
      .after(HelperExited{Watchd, kKilled}, HelperStarted{Watchd})
      .when(HelperExited{Watchd, kKilled}, Keeping,
            {killed(Watchd, " in 100 ms"), StartRestartTimer{Watchd, 100ms}})
      .when(StopRequested{SIGHUP}, Stopping,
            {TerminateHelper{Proxyd}, TerminateHelper{Supervisord}, StartStopTimer{kStopTime}})
      .when(RestartDue{Watchd}, 100ms, Stopping)
      .when(HelperExited{Proxyd, kKilled}, Stopping);
}

TEST(Services, KillsAndRestartsAHelperWhoseWatchdogExpires) {
  all_running()
      .when(HelperAlive{Watchd}, kWatchdogTime / 2, Keeping, {StartWatchdog{Watchd}})
      .when(WatchdogExpired{Watchd}, kWatchdogTime, Keeping,
            {warning("hpp-watchd has not responded for 6 s; killing it"), KillHelper{Watchd}})
      // This sign of life arrives too late, and does no harm.
      .when(HelperAlive{Watchd}, Keeping, {StartWatchdog{Watchd}})
      .when(HelperExited{Watchd, kKilled}, Keeping, {killed(Watchd), StartHelper{Watchd}})
      .when(WatchdogExpired{Watchd}, Keeping)
      .when(HelperStarted{Watchd}, Keeping, {StartWatchdog{Watchd}});
}

TEST(Services, DoesNotKillAHelperThatADebuggerHolds) {
  all_running()
      .when(WatchdogExpired{.which = Watchd, .is_traced = true}, kWatchdogTime, Keeping,
            {StartWatchdog{Watchd}})
      .when(WatchdogExpired{.which = Watchd, .is_traced = true}, kWatchdogTime, Keeping,
            {StartWatchdog{Watchd}})
      .when(WatchdogExpired{Watchd}, kWatchdogTime, Keeping,
            {warning("hpp-watchd has not responded for 6 s; killing it"), KillHelper{Watchd}});
}

TEST(Services, DoesNotWatchHelpersThatAreStopping) {
  all_running()
      .when(StopRequested{SIGTERM}, Stopping, terminate_all())
      .when(HelperAlive{Watchd}, Stopping)
      .when(WatchdogExpired{Watchd}, Stopping);
}

TEST(Services, RestartsTheBackendOnceSupervisordIsReady) {
  all_running()
      .when(RestartAsked{}, Keeping)
      .when(HelperReady{Supervisord}, Keeping, {RestartBackend{}})
      .when(RestartAsked{}, Keeping, {RestartBackend{}})
      .when(HelperExited{Supervisord, kKilled}, Keeping,
            {killed(Supervisord), StartHelper{Supervisord}})
      .when(HelperStarted{Supervisord}, Keeping, {StartWatchdog{Supervisord}})
      .when(RestartAsked{}, Keeping)
      .when(HelperReady{Supervisord}, Keeping, {RestartBackend{}});
}

TEST(Services, TogglesThePauseOnceSupervisordIsReady) {
  all_running()
      .when(PauseAsked{}, Keeping)
      .when(RestartAsked{}, Keeping)
      .when(HelperReady{Supervisord}, Keeping, {RestartBackend{}, TogglePause{}})
      .when(PauseAsked{}, Keeping, {TogglePause{}})
      .when(StopRequested{SIGTERM}, Stopping, terminate_all())
      .when(PauseAsked{}, Stopping);
}

TEST(Services, TwoPressesBeforeSupervisordIsReadyAreNone) {
  all_running()
      .when(PauseAsked{}, Keeping)
      .when(PauseAsked{}, Keeping)
      .when(HelperReady{Supervisord}, Keeping);
}

TEST(Services, ExitsWithZeroIfTheUserTypedQ) {
  all_running()
      .when(StopRequested{.signal = 0}, Stopping, terminate_all())
      .when(RestartAsked{}, Stopping)
      .when(HelperReady{Supervisord}, Stopping)
      .when(HelperExited{Watchd, kOrderly}, Stopping)
      .when(HelperExited{Proxyd, kOrderly}, Stopping)
      .when(HelperExited{Supervisord, kOrderly}, Sweeping, sweep())
      .when(BackendSwept{}, Left, {info("stopped"), Leave{0}});
}

}  // namespace
}  // namespace hpp::launch
