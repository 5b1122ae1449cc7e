// Pure. Decides which helpers run: starts them, restarts those that crash, and stops them all.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/emits.h"
#include "common/exit_status.h"
#include "common/time_point.h"

namespace hpp::launch {

using Milliseconds = std::chrono::milliseconds;

// In the order in which they are started: proxyd alone, the others when proxyd is ready.
enum class Helper { Proxyd, Watchd, Supervisord };

constexpr std::array kHelpers{Helper::Proxyd, Helper::Watchd, Helper::Supervisord};

// `hpp-watchd`
std::string_view to_string(Helper helper);

// ---- limits -------------------------------------------------------------------------------------

// After this many crashes of one helper within kCrashWindow, hpp-launch gives up and stops.
constexpr std::size_t kCrashesMax = 5;
constexpr Milliseconds kCrashWindow{10'000};
// The restart back-off: the first crash in the window is followed by a restart at once, the second
// by one after this delay. Each further crash doubles the delay.
constexpr Milliseconds kRestartDelay{100};
// If a helper that has run before cannot be started again (no memory for a process, its program is
// being replaced), the start is retried at this interval, without a limit: the other helpers are
// still useful.
constexpr Milliseconds kStartAgain{1'000};
// A helper that has sent no WATCHDOG=1 for this time counts as hung. Long enough for a machine that
// swaps.
constexpr Milliseconds kWatchdogTime{6'000};
// A stop signal within this time after the first one is the same request: a wrapper (npm, timeout)
// forwards a signal that the whole process group has already received.
constexpr Milliseconds kSameStop{100};
// hpp-launch promises to exit within a second after Ctrl+C. The helpers have this time to exit
// after SIGTERM …
constexpr Milliseconds kStopTime{600};
// … and this time after SIGKILL. The processes that they leave behind have the same time again.
constexpr Milliseconds kKillTime{150};

// ---- events -------------------------------------------------------------------------------------

struct Begun {};  // the first event, once

struct BeginFailed {  // instead of Begun: a helper of an earlier hpp-launch cannot be killed
  std::string why;
};

struct HelperStarted {
  Helper which;
};

struct HelperReady {  // the helper has sent READY=1; once after each start
  Helper which;
};

struct HelperAlive {  // the helper has sent WATCHDOG=1: its event loop runs
  Helper which;
};

struct WatchdogExpired {  // the timer of StartWatchdog has expired
  Helper which;
  bool is_traced = false;  // a debugger holds the helper (ptrace(2))
};

struct StartFailed {
  Helper which;
  std::string why;
};

struct HelperExited {
  Helper which;
  ExitStatus status;
};

struct RestartDue {  // the timer of StartRestartTimer has expired
  Helper which;
};

struct RestartAsked {};  // the user wants the backend restarted

struct PauseAsked {};  // the user wants a pause to begin, or the current one to end

struct StopRequested {
  int signal;  // SIGINT, SIGTERM or SIGHUP; 0 if the user typed q
};

// A process that lives, although it was sent SIGKILL.
struct Survivor {
  std::int64_t pid = 0;
  std::string description;  // `pid 1234 (sudo -n ./server)`
  bool is_refused = false;  // this user may not signal it
};

struct StopTimeOver {                    // the timer of StartStopTimer has expired
  std::vector<Survivor> survivors = {};  // after SweepBackend: processes that it has not ended
};

struct BackendSwept {};  // SweepBackend has found no process of the backend

// The run directory's lock file was deleted, and another hpp-launch holds the new one.
struct PlaceLost {
  std::string why;
};

using Event = std::variant<Begun, BeginFailed, HelperStarted, HelperReady, HelperAlive,
                           WatchdogExpired, StartFailed, HelperExited, RestartDue, RestartAsked,
                           PauseAsked, StopRequested, StopTimeOver, BackendSwept, PlaceLost>;

// ---- effects ------------------------------------------------------------------------------------

struct StartHelper {  // answered by HelperStarted or StartFailed
  Helper which;
  bool operator==(const StartHelper&) const = default;
};

struct TerminateHelper {  // SIGTERM
  Helper which;
  bool operator==(const TerminateHelper&) const = default;
};

struct KillHelper {  // SIGKILL
  Helper which;
  bool operator==(const KillHelper&) const = default;
};

struct RestartBackend {  // SIGHUP to supervisord; only when supervisord is ready
  bool operator==(const RestartBackend&) const = default;
};

struct TogglePause {  // SIGRTMIN to supervisord; only when supervisord is ready
  bool operator==(const TogglePause&) const = default;
};

struct StartWatchdog {  // one timer of kWatchdogTime per helper; restarts a running one
  Helper which;
  bool operator==(const StartWatchdog&) const = default;
};

struct StartRestartTimer {  // one timer per helper; its RestartDue is ignored after a stop
  Helper which;
  Milliseconds delay;
  bool operator==(const StartRestartTimer&) const = default;
};

struct StartStopTimer {  // replaces a running stop timer
  Milliseconds delay;
  bool operator==(const StartStopTimer&) const = default;
};

struct SweepBackend {  // SIGKILL to all processes left by the helpers; answered by BackendSwept
  bool operator==(const SweepBackend&) const = default;
};

struct Say {
  enum class Tone { Info, Warning, Error };
  Tone tone;
  std::string text;
  bool operator==(const Say&) const = default;
};

struct Leave {  // the last effect
  int exit_status;
  bool operator==(const Leave&) const = default;
};

using Effect =
    std::variant<StartHelper, TerminateHelper, KillHelper, RestartBackend, TogglePause,
                 StartWatchdog, StartRestartTimer, StartStopTimer, SweepBackend, Say, Leave>;
using Effects = std::vector<Effect>;

// ---- the services ------------------------------------------------------------------------------
//
//     Keeping ── stop asked, a start that cannot work, given up ──► Stopping
//                                                                      │ second stop, time over
//                                                                      ▼
//        Left ◄── swept, time over, second stop ── Sweeping ◄───── Killing
//                                                     ▲                │ no helper left,
//                                                     └── no helper ───┘ time over
//                                                         left (also from Stopping)
//
// Keeping   The helpers run, or are about to be started again: a helper that crashes is restarted
//           at once or after a delay. proxyd is started first, alone. Most starts that cannot work
//           fail because its port is in use, and that error should be the only output, before any
//           backend is started.
//           A helper that sends no WATCHDOG=1 for kWatchdogTime (it is stopped, or in an endless
//           loop) is killed, and the kill is handled like a crash. While a debugger holds a helper,
//           its watchdog is started again instead.
//           If the first start of a helper fails, hpp-launch stops; a later start is retried until
//           it succeeds. If a helper of an earlier hpp-launch cannot be killed, no helper is
//           started at all.
//           If the files in the run directory were deleted and another hpp-launch has taken the
//           directory, this one stops, because its helpers would conflict with the other's.
//           Exit status 1 or 2 is not a crash: the helper has printed why it cannot work, and
//           a restart would only print that again.
// Stopping  Every helper has received SIGTERM; supervisord ends the backend. No helper is started
//           any more. A helper whose start was in progress receives SIGTERM once it has started.
// Killing   The stop time has expired: every helper has received SIGKILL.
// Sweeping  No helper is left, but a supervisord that was killed leaves the backend behind. The
//           processes that are found are killed. Even a clean exit of supervisord leads through
//           this state: it costs one look at /proc, and it guarantees that no process is left.
// Left      Leave was emitted. Events that arrive later are ignored.
//
// If no process is left, and no error has said why, the last line says that hpp has stopped.
//
// The exit status comes from the first cause. A helper that fails while hpp-launch handles Ctrl+C
// does not change it, nor does a Ctrl+C while hpp-launch cleans up after a failed start.
class Services : private Emits<Effect> {
 public:
  enum class State { Keeping, Stopping, Killing, Sweeping, Left };

  // `stop_time`: how long the helpers may take to exit after SIGTERM. It is longer than kStopTime
  // if the backend has a --stop-timeout.
  explicit Services(Milliseconds stop_time = kStopTime) : stop_time_(stop_time) {}

  // Handles one event. Returns the effects to perform now, in order. The events of one helper
  // arrive in the order in which they happened; timers may expire late, in any state.
  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  State state() const { return state_; }

 private:
  enum class Life {
    Absent,    // not started, or exited
    Starting,  // StartHelper emitted, not answered yet
    Running,
    BackingOff,  // crashed, or could not be started; a restart timer runs
  };

  struct Member {
    Life life = Life::Absent;
    bool is_ready = false;
    std::deque<TimePoint> crashes;  // those within kCrashWindow of the newest
    bool start_failed = false;      // since it was last ready; the warning has been logged
  };

  void handle(const Begun& event, TimePoint now);
  void handle(const BeginFailed& event, TimePoint now);
  void handle(const HelperStarted& event, TimePoint now);
  void handle(const HelperReady& event, TimePoint now);
  void handle(const HelperAlive& event, TimePoint now);
  void handle(const WatchdogExpired& event, TimePoint now);
  void handle(const StartFailed& event, TimePoint now);
  void handle(const HelperExited& event, TimePoint now);
  void handle(const RestartDue& event, TimePoint now);
  void handle(const RestartAsked& event, TimePoint now);
  void handle(const PauseAsked& event, TimePoint now);
  void handle(const StopRequested& event, TimePoint now);
  void handle(const StopTimeOver& event, TimePoint now);
  void handle(const BackendSwept& event, TimePoint now);
  void handle(const PlaceLost& event, TimePoint now);

  Member& member(Helper which) { return members_[static_cast<std::size_t>(which)]; }

  const Member& member(Helper which) const { return members_[static_cast<std::size_t>(which)]; }

  bool is_supervised() const;
  bool any_left() const;
  void start(Helper which);
  void restart(Helper which, const ExitStatus& status, TimePoint now);
  void start_again(Helper which, const std::string& why);
  void fail(const std::string& why);
  void stop(int exit_status);
  void kill();
  void sweep();
  void sweep_if_alone();
  void leave();

  Milliseconds stop_time_;
  State state_ = State::Keeping;
  std::array<Member, kHelpers.size()> members_;
  bool complete_ = false;  // watchd and supervisord were started, after proxyd
  // These wait until supervisord is ready: before that, the signal would kill it.
  bool restart_due_ = false;
  bool toggle_due_ = false;
  bool stop_asked_ = false;
  TimePoint stop_asked_at_;
  int exit_status_ = 0;
};

std::string_view to_string(Services::State state);

}  // namespace hpp::launch
