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

constexpr ExitStatus kKilled{.by_signal = true, .number = SIGKILL};
constexpr ExitStatus kOrderly{.by_signal = false, .number = 0};

Say warning(const std::string& text) {
  return {.tone = Say::Tone::Warning, .text = text};
}

Say error(const std::string& text) {
  return {.tone = Say::Tone::Error, .text = text};
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

  Steps& then(const Effects& expected, Services::State expected_state, int line) {
    EXPECT_EQ(effects(), expected) << "line " << line;
    EXPECT_EQ(to_string(state()), to_string(expected_state)) << "line " << line;
    return *this;
  }
};

#define THEN(state, ...) then(Effects{__VA_ARGS__}, Services::State::state, __LINE__)

Steps all_running() {
  Steps steps;
  steps.when(Begun{})
      .THEN(Keeping, StartHelper{Proxyd})
      .when(HelperStarted{Proxyd})
      .THEN(Keeping, StartWatchdog{Proxyd})
      .when(HelperReady{Proxyd})
      .THEN(Keeping, StartHelper{Watchd}, StartHelper{Supervisord})
      .when(HelperStarted{Watchd})
      .THEN(Keeping, StartWatchdog{Watchd})
      .when(HelperStarted{Supervisord})
      .THEN(Keeping, StartWatchdog{Supervisord});
  return steps;
}

TEST(Services, StopsInOrder) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    all_running()
        .when(StopRequested{signal})
        .THEN(Stopping, TerminateHelper{Proxyd}, TerminateHelper{Watchd},
              TerminateHelper{Supervisord}, StartStopTimer{kStopTime})
        .when(HelperExited{Watchd, kOrderly})
        .THEN(Stopping)
        .when(HelperExited{Proxyd, kOrderly})
        .THEN(Stopping)
        .when(HelperExited{Supervisord, kOrderly})
        .THEN(Sweeping, StartStopTimer{kKillTime}, SweepBackend{})
        .when(BackendSwept{})
        .THEN(Left, Leave{128 + signal})
        .when(StopTimeOver{})
        .THEN(Left)
        .when(StopRequested{SIGINT})
        .THEN(Left);
  }
}

TEST(Services, KillsHelpersThatDoNotStopInTime) {
  all_running()
      .when(StopRequested{SIGTERM})
      .THEN(Stopping, TerminateHelper{Proxyd}, TerminateHelper{Watchd},
            TerminateHelper{Supervisord}, StartStopTimer{kStopTime})
      .when(HelperExited{Proxyd, kOrderly})
      .THEN(Stopping)
      .when(StopTimeOver{}, kStopTime)
      .THEN(Killing, KillHelper{Watchd}, KillHelper{Supervisord}, StartStopTimer{kKillTime})
      .when(HelperExited{Watchd, kKilled})
      .THEN(Killing)
      .when(HelperExited{Supervisord, kKilled})
      .THEN(Sweeping, StartStopTimer{kKillTime}, SweepBackend{})
      .when(BackendSwept{})
      .THEN(Left, Leave{143});
}

TEST(Services, ExitsWithinASecondEvenIfNoProcessDies) {
  EXPECT_LT(kStopTime + kKillTime + kKillTime, 1s);
  all_running()
      .when(StopRequested{SIGINT})
      .when(StopTimeOver{}, kStopTime)
      .when(StopTimeOver{}, kKillTime)
      .THEN(Sweeping, error("a helper has not ended after SIGKILL; exiting without waiting for it"),
            StartStopTimer{kKillTime}, SweepBackend{})
      .when(StopTimeOver{}, kKillTime)
      .THEN(Left,
            error("a process of the backend has not ended after SIGKILL; exiting without waiting "
                  "for it"),
            Leave{130});
}

TEST(Services, DoesNotWaitAfterTheSecondStop) {
  all_running()
      .when(StopRequested{SIGINT})
      .when(StopRequested{SIGINT})
      .THEN(Killing, KillHelper{Proxyd}, KillHelper{Watchd}, KillHelper{Supervisord},
            StartStopTimer{kKillTime})
      .when(StopRequested{SIGINT})
      .THEN(Killing)
      .when(HelperExited{Proxyd, kKilled})
      .when(HelperExited{Watchd, kKilled})
      .when(HelperExited{Supervisord, kKilled})
      .THEN(Sweeping, StartStopTimer{kKillTime}, SweepBackend{})
      .when(StopRequested{SIGINT})
      .THEN(Left, Leave{130});
}

TEST(Services, StopsIfAnotherHppLaunchHasTakenTheRunDirectory) {
  all_running()
      .when(PlaceLost{"taken"})
      .THEN(Stopping, error("taken"), TerminateHelper{Proxyd}, TerminateHelper{Watchd},
            TerminateHelper{Supervisord}, StartStopTimer{kStopTime})
      .when(PlaceLost{"taken"})
      .THEN(Stopping)
      .when(HelperExited{Proxyd, {}})
      .when(HelperExited{Watchd, {}})
      .when(HelperExited{Supervisord, {}})
      .THEN(Sweeping, StartStopTimer{kKillTime}, SweepBackend{})
      .when(BackendSwept{})
      .THEN(Left, Leave{1});
}

TEST(Services, StopsIfAHelpersRestartFindsTheRunDirectoryTaken) {
  all_running()
      .when(HelperExited{Proxyd, kKilled})
      .when(PlaceLost{"taken"})
      .THEN(Stopping, error("taken"), TerminateHelper{Watchd}, TerminateHelper{Supervisord},
            StartStopTimer{kStopTime})
      .when(StartFailed{Proxyd, "taken"})
      .THEN(Stopping)
      .when(HelperExited{Watchd, {}})
      .when(HelperExited{Supervisord, {}})
      .THEN(Sweeping, StartStopTimer{kKillTime}, SweepBackend{});
}

TEST(Services, StopsIfAnEarlierHelperCannotBeKilled) {
  Steps()
      .when(BeginFailed{"an earlier hpp-watchd does not end"})
      .THEN(Sweeping, error("an earlier hpp-watchd does not end"), StartStopTimer{kKillTime},
            SweepBackend{})
      .when(BackendSwept{})
      .THEN(Left, Leave{1});
  Steps().when(StopRequested{SIGINT}).when(BeginFailed{"why"}).THEN(Sweeping);
}

// npm forwards the SIGINT that the terminal has already sent to the whole process group.
TEST(Services, CountsTwoStopSignalsInQuickSuccessionAsOne) {
  all_running()
      .when(StopRequested{SIGINT})
      .when(StopRequested{SIGINT}, kSameStop - 1ms)
      .THEN(Stopping)
      .when(StopRequested{SIGINT}, 1ms)
      .THEN(Killing, KillHelper{Proxyd}, KillHelper{Watchd}, KillHelper{Supervisord},
            StartStopTimer{kKillTime});
}

TEST(Services, RestartsACrashedHelperAtOnce) {
  all_running()
      .when(HelperExited{Watchd, kKilled})
      .THEN(Keeping, warning("hpp-watchd died (signal 9 (Killed)): starting it again"),
            StartHelper{Watchd})
      .when(HelperStarted{Watchd})
      .THEN(Keeping, StartWatchdog{Watchd})
      .when(HelperExited{Supervisord, {.by_signal = false, .number = 134}})
      .THEN(Keeping, warning("hpp-supervisord died (exit code 134): starting it again"),
            StartHelper{Supervisord});
}

TEST(Services, HandlesAnUnrequestedExitAsACrash) {
  all_running()
      .when(HelperExited{Proxyd, kOrderly})
      .THEN(Keeping, warning("hpp-proxyd died (exit code 0): starting it again"),
            StartHelper{Proxyd});
}

TEST(Services, BacksOffThenGivesUp) {
  all_running()
      .when(HelperExited{Proxyd, kKilled})
      .THEN(Keeping, warning("hpp-proxyd died (signal 9 (Killed)): starting it again"),
            StartHelper{Proxyd})
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled})
      .THEN(Keeping, warning("hpp-proxyd died (signal 9 (Killed)): starting it again in 100 ms"),
            StartRestartTimer{Proxyd, 100ms})
      .when(RestartDue{Proxyd}, 100ms)
      .THEN(Keeping, StartHelper{Proxyd})
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled})
      .THEN(Keeping, warning("hpp-proxyd died (signal 9 (Killed)): starting it again in 200 ms"),
            StartRestartTimer{Proxyd, 200ms})
      .when(RestartDue{Proxyd}, 200ms)
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled})
      .THEN(Keeping, warning("hpp-proxyd died (signal 9 (Killed)): starting it again in 400 ms"),
            StartRestartTimer{Proxyd, 400ms})
      .when(RestartDue{Proxyd}, 400ms)
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled})
      .THEN(Stopping, error("hpp-proxyd died (signal 9 (Killed)), 5 times in 10 s: giving up"),
            TerminateHelper{Watchd}, TerminateHelper{Supervisord}, StartStopTimer{kStopTime})
      .when(HelperExited{Watchd, kOrderly})
      .when(HelperExited{Supervisord, kOrderly})
      .when(BackendSwept{})
      .THEN(Left, Leave{1});
}

TEST(Services, ForgetsOldCrashes) {
  Steps steps = all_running();
  for (int i = 0; i < 20; ++i) {
    steps.when(HelperExited{Watchd, kKilled}, kCrashWindow + 1ms)
        .THEN(Keeping, warning("hpp-watchd died (signal 9 (Killed)): starting it again"),
              StartHelper{Watchd})
        .when(HelperStarted{Watchd});
  }
}

TEST(Services, CountsTheCrashesOfEachHelperSeparately) {
  Steps steps = all_running();
  for (const Helper which : kHelpers) {
    steps.when(HelperExited{which, kKilled})
        .THEN(Keeping,
              warning(
                  fmt::format("{} died (signal 9 (Killed)): starting it again", to_string(which))),
              StartHelper{which})
        .when(HelperStarted{which});
  }
}

TEST(Services, ExitsWithTheStatusOfAHelperThatCannotWork) {
  for (const int status : {1, 2}) {
    all_running()
        .when(HelperExited{Proxyd, {.by_signal = false, .number = status}})
        .THEN(Stopping, TerminateHelper{Watchd}, TerminateHelper{Supervisord},
              StartStopTimer{kStopTime})
        .when(HelperExited{Watchd, kOrderly})
        .when(HelperExited{Supervisord, kOrderly})
        .when(BackendSwept{})
        .THEN(Left, Leave{status});
  }
}

TEST(Services, ExitsWithTheStatusOfTheFirstCause) {
  all_running()
      .when(HelperExited{Proxyd, {.by_signal = false, .number = 1}})
      .when(StopRequested{SIGINT})
      .THEN(Killing, KillHelper{Watchd}, KillHelper{Supervisord}, StartStopTimer{kKillTime})
      .when(HelperExited{Watchd, kKilled})
      .when(HelperExited{Supervisord, {.by_signal = false, .number = 2}})
      .when(BackendSwept{})
      .THEN(Left, Leave{1});
}

TEST(Services, StartsNoOtherHelperIfProxydCannotWork) {
  Steps steps;
  steps.when(Begun{})
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, {.by_signal = false, .number = 1}})
      .THEN(Sweeping, StartStopTimer{kKillTime}, SweepBackend{})
      .when(HelperReady{Proxyd})
      .THEN(Sweeping)
      .when(BackendSwept{})
      .THEN(Left, Leave{1});
}

TEST(Services, StartsTheOthersOnceEvenIfProxydCrashesAtFirst) {
  Steps steps;
  steps.when(Begun{})
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, kKilled})
      .THEN(Keeping, warning("hpp-proxyd died (signal 9 (Killed)): starting it again"),
            StartHelper{Proxyd})
      .when(HelperStarted{Proxyd})
      .when(HelperReady{Proxyd})
      .THEN(Keeping, StartHelper{Watchd}, StartHelper{Supervisord})
      .when(HelperReady{Proxyd})
      .THEN(Keeping);
}

TEST(Services, ReportsWhyAHelperCannotBeStarted) {
  Steps steps;
  steps.when(Begun{})
      .when(HelperStarted{Proxyd})
      .when(HelperReady{Proxyd})
      .when(StartFailed{Watchd, "cannot fork: Resource temporarily unavailable"})
      .THEN(Stopping,
            error("cannot start hpp-watchd: cannot fork: Resource temporarily unavailable"),
            TerminateHelper{Proxyd}, StartStopTimer{kStopTime})
      .when(StartFailed{Supervisord, "the same"})
      .THEN(Stopping)
      .when(HelperExited{Proxyd, kOrderly})
      .THEN(Sweeping, StartStopTimer{kKillTime}, SweepBackend{})
      .when(BackendSwept{})
      .THEN(Left, Leave{1});
}

TEST(Services, RetriesAHelperThatExitsWithATemporaryFailure) {
  constexpr ExitStatus kCannotStartNow{.by_signal = false, .number = kTemporaryFailure};
  Steps steps = all_running();
  steps.when(HelperExited{Watchd, kKilled})
      .when(HelperStarted{Watchd})
      .when(HelperExited{Watchd, kCannotStartNow})
      .THEN(Keeping,
            warning("cannot start hpp-watchd: a resource is missing: trying again every 1000 ms"),
            StartRestartTimer{Watchd, kStartAgain})
      .when(RestartDue{Watchd})
      .when(HelperStarted{Watchd})
      .when(HelperExited{Watchd, kCannotStartNow})
      .THEN(Keeping, StartRestartTimer{Watchd, kStartAgain});
}

TEST(Services, StopsIfTheFirstStartFailsTemporarily) {
  Steps steps;
  steps.when(Begun{})
      .when(HelperStarted{Proxyd})
      .when(HelperExited{Proxyd, {.by_signal = false, .number = kTemporaryFailure}})
      .THEN(Sweeping, error("cannot start hpp-proxyd: a resource is missing"),
            StartStopTimer{kKillTime}, SweepBackend{});
}

TEST(Services, RetriesTheStartOfAHelperThatHasRun) {
  const std::string why = "cannot fork: Cannot allocate memory";
  Steps steps = all_running();
  for (const auto* crash : {"the first", "another, later: the warning is repeated"}) {
    SCOPED_TRACE(crash);
    steps.when(HelperExited{Watchd, kKilled})
        .when(StartFailed{Watchd, why})
        .THEN(Keeping, warning("cannot start hpp-watchd: " + why + ": trying again every 1000 ms"),
              StartRestartTimer{Watchd, kStartAgain})
        .when(RestartDue{Watchd})
        .THEN(Keeping, StartHelper{Watchd})
        .when(StartFailed{Watchd, why})
        .THEN(Keeping, StartRestartTimer{Watchd, kStartAgain})
        .when(RestartDue{Watchd})
        .THEN(Keeping, StartHelper{Watchd})
        .when(HelperStarted{Watchd})
        .THEN(Keeping, StartWatchdog{Watchd})
        .when(HelperReady{Watchd})
        .THEN(Keeping);
  }
  steps.when(HelperExited{Watchd, kKilled})
      .when(StartFailed{Watchd, why})
      .when(StopRequested{SIGINT})
      .THEN(Stopping, TerminateHelper{Proxyd}, TerminateHelper{Supervisord},
            StartStopTimer{kStopTime})
      .when(RestartDue{Watchd})
      .THEN(Stopping);
}

TEST(Services, TerminatesAHelperWhoseStartWasInProgress) {
  Steps steps;
  steps.when(Begun{})
      .when(HelperStarted{Proxyd})
      .when(HelperReady{Proxyd})
      .when(StopRequested{SIGINT})
      .THEN(Stopping, TerminateHelper{Proxyd}, StartStopTimer{kStopTime})
      .when(HelperStarted{Watchd})
      .THEN(Stopping, TerminateHelper{Watchd})
      .when(StopRequested{SIGINT})
      .THEN(Killing, KillHelper{Proxyd}, KillHelper{Watchd}, StartStopTimer{kKillTime})
      .when(HelperStarted{Supervisord})
      .THEN(Killing, KillHelper{Supervisord});
}

TEST(Services, StartsNoHelperAfterTheStop) {
  all_running()
      .when(HelperExited{Watchd, kKilled})
      .when(HelperStarted{Watchd})
      .when(HelperExited{Watchd, kKilled})
      .THEN(Keeping, warning("hpp-watchd died (signal 9 (Killed)): starting it again in 100 ms"),
            StartRestartTimer{Watchd, 100ms})
      .when(StopRequested{SIGHUP})
      .THEN(Stopping, TerminateHelper{Proxyd}, TerminateHelper{Supervisord},
            StartStopTimer{kStopTime})
      .when(RestartDue{Watchd}, 100ms)
      .THEN(Stopping)
      .when(HelperExited{Proxyd, kKilled})
      .THEN(Stopping);
}

TEST(Services, KillsAndRestartsAHelperWhoseWatchdogExpires) {
  all_running()
      .when(HelperAlive{Watchd}, kWatchdogTime / 2)
      .THEN(Keeping, StartWatchdog{Watchd})
      .when(WatchdogExpired{Watchd}, kWatchdogTime)
      .THEN(Keeping, warning("hpp-watchd has not responded for 6 s; killing it"),
            KillHelper{Watchd})
      .when(HelperAlive{Watchd})  // arrives too late, and does no harm
      .THEN(Keeping, StartWatchdog{Watchd})
      .when(HelperExited{Watchd, kKilled})
      .THEN(Keeping, warning("hpp-watchd died (signal 9 (Killed)): starting it again"),
            StartHelper{Watchd})
      .when(WatchdogExpired{Watchd})
      .THEN(Keeping)
      .when(HelperStarted{Watchd})
      .THEN(Keeping, StartWatchdog{Watchd});
}

TEST(Services, DoesNotKillAHelperThatADebuggerHolds) {
  all_running()
      .when(WatchdogExpired{.which = Watchd, .is_traced = true}, kWatchdogTime)
      .THEN(Keeping, StartWatchdog{Watchd})
      .when(WatchdogExpired{.which = Watchd, .is_traced = true}, kWatchdogTime)
      .THEN(Keeping, StartWatchdog{Watchd})
      .when(WatchdogExpired{Watchd}, kWatchdogTime)
      .THEN(Keeping, warning("hpp-watchd has not responded for 6 s; killing it"),
            KillHelper{Watchd});
}

TEST(Services, DoesNotWatchHelpersThatAreStopping) {
  all_running()
      .when(StopRequested{SIGTERM})
      .THEN(Stopping, TerminateHelper{Proxyd}, TerminateHelper{Watchd},
            TerminateHelper{Supervisord}, StartStopTimer{kStopTime})
      .when(HelperAlive{Watchd})
      .THEN(Stopping)
      .when(WatchdogExpired{Watchd})
      .THEN(Stopping);
}

TEST(Services, RestartsTheBackendOnceSupervisordIsReady) {
  all_running()
      .when(RestartAsked{})
      .THEN(Keeping)
      .when(HelperReady{Supervisord})
      .THEN(Keeping, RestartBackend{})
      .when(RestartAsked{})
      .THEN(Keeping, RestartBackend{})
      .when(HelperExited{Supervisord, kKilled})
      .THEN(Keeping, warning("hpp-supervisord died (signal 9 (Killed)): starting it again"),
            StartHelper{Supervisord})
      .when(HelperStarted{Supervisord})
      .THEN(Keeping, StartWatchdog{Supervisord})
      .when(RestartAsked{})
      .THEN(Keeping)
      .when(HelperReady{Supervisord})
      .THEN(Keeping, RestartBackend{});
}

TEST(Services, ExitsWithZeroIfTheUserTypedQ) {
  all_running()
      .when(StopRequested{.signal = 0})
      .THEN(Stopping, TerminateHelper{Proxyd}, TerminateHelper{Watchd},
            TerminateHelper{Supervisord}, StartStopTimer{kStopTime})
      .when(RestartAsked{})
      .THEN(Stopping)
      .when(HelperReady{Supervisord})
      .THEN(Stopping)
      .when(HelperExited{Watchd, kOrderly})
      .THEN(Stopping)
      .when(HelperExited{Proxyd, kOrderly})
      .THEN(Stopping)
      .when(HelperExited{Supervisord, kOrderly})
      .THEN(Sweeping, StartStopTimer{kKillTime}, SweepBackend{})
      .when(BackendSwept{})
      .THEN(Left, Leave{0});
}

}  // namespace
}  // namespace hpp::launch
