// Pure. Decides which helpers run: starts them, starts again what crashed, and ends all of it.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/emits.h"
#include "common/exit_status.h"

namespace hpp::launch {

using TimePoint = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// In the order in which they are started: the first alone, the others when it is ready.
enum class Helper { Proxyd, Watchd, Supervisord };

constexpr std::array kHelpers{Helper::Proxyd, Helper::Watchd, Helper::Supervisord};

// `hpp-watchd`
std::string_view to_string(Helper helper);

// ---- limits -------------------------------------------------------------------------------------

// So many crashes of one helper within kCrashWindow, and it is given up.
constexpr std::size_t kCrashesMax = 5;
constexpr Milliseconds kCrashWindow{10'000};
// The first crash in the window is answered at once, the second after this long, each further one
// after twice as long.
constexpr Milliseconds kRestartDelay{100};
// A helper that has run and cannot be started again (no memory for a process, its program is being
// replaced) is tried again this often, for as long as it takes: the others do what they can.
constexpr Milliseconds kStartAgain{1'000};
// A helper that has not been heard of for so long hangs. Long enough for a machine that swaps.
constexpr Milliseconds kWatchdogTime{6'000};
// A stop signal that comes within this time after the first one is the same request: a wrapper
// (npm, timeout) passes on what the whole process group has got.
constexpr Milliseconds kSameStop{100};
// Ctrl+C promises an end within a second: so long for helpers that were asked to stop …
constexpr Milliseconds kStopTime{600};
// … and so long, once each, for helpers and for what they left behind to die of SIGKILL.
constexpr Milliseconds kKillTime{150};

// ---- events -------------------------------------------------------------------------------------

struct Begun {};  // the first event, once

struct BeginFailed {  // instead of Begun: a helper of an earlier hpp-launch cannot be ended
  std::string why;
};

struct HelperStarted {
  Helper which;
};

struct HelperReady {  // it does what it is for; once after each start
  Helper which;
};

struct HelperAlive {  // its loop turns
  Helper which;
};

struct WatchdogExpired {  // the time of StartWatchdog is over
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

struct RestartDue {  // the time of StartRestartTimer is over
  Helper which;
};

struct RestartAsked {};  // the user wants the backend restarted

struct StopRequested {
  int signal;  // SIGINT, SIGTERM or SIGHUP; 0: the user has typed it
};

struct StopTimeOver {};  // the time of StartStopTimer is over

struct BackendSwept {};  // nothing is left that SweepBackend looked for

// The run directory's lock file was deleted, and another hpp-launch holds the new one.
struct PlaceLost {
  std::string why;
};

using Event = std::variant<Begun, BeginFailed, HelperStarted, HelperReady, HelperAlive,
                           WatchdogExpired, StartFailed, HelperExited, RestartDue, RestartAsked,
                           StopRequested, StopTimeOver, BackendSwept, PlaceLost>;

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

struct RestartBackend {  // SIGHUP to supervisord, which is ready
  bool operator==(const RestartBackend&) const = default;
};

struct StartWatchdog {  // one per helper, of kWatchdogTime; replaces the one under way
  Helper which;
  bool operator==(const StartWatchdog&) const = default;
};

struct StartRestartTimer {  // one per helper; a timer that is under way is forgotten at the stop
  Helper which;
  Milliseconds delay;
  bool operator==(const StartRestartTimer&) const = default;
};

struct StartStopTimer {  // replaces the one under way
  Milliseconds delay;
  bool operator==(const StartStopTimer&) const = default;
};

struct SweepBackend {  // SIGKILL to all that the helpers left behind; answered by BackendSwept
  bool operator==(const SweepBackend&) const = default;
};

struct Say {
  enum class Tone { Warning, Error };
  Tone tone;
  std::string text;
  bool operator==(const Say&) const = default;
};

struct Leave {  // nothing follows
  int exit_status;
  bool operator==(const Leave&) const = default;
};

using Effect = std::variant<StartHelper, TerminateHelper, KillHelper, RestartBackend, StartWatchdog,
                            StartRestartTimer, StartStopTimer, SweepBackend, Say, Leave>;
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
// Keeping   Helpers run, or are about to be started again: a crash is answered by a restart, at
//           once or after a pause. At first proxyd is alone: most starts that cannot work fail at
//           its port, and that should be all that the user reads, before any backend is started.
//           A helper that is not heard of for kWatchdogTime (stopped, or in an endless loop) is
//           killed: what follows is a crash like any other. One that a debugger holds gets its time
//           again, for as long as the debugger is there.
//           A first start that fails ends all; a later one is tried again until it succeeds. If a
//           helper of an earlier hpp-launch cannot be ended, nothing is started at all.
//           If another hpp-launch has taken the run directory, whose files somebody had deleted,
//           this one ends: its helpers would be in the way of the others. Exit status 1 or 2 is no
//           crash: the helper has said why a start cannot work, and starting it again would say it
//           again.
// Stopping  Every helper has got SIGTERM. Supervisord takes the backend with it. Nothing is
//           started any more; a helper whose start was under way gets its SIGTERM when it is there.
// Killing   The time for manners is over: every helper has got SIGKILL.
// Sweeping  No helper is left, but a supervisord that was killed leaves the backend behind. What
//           is found is killed. This state is passed even when supervisord left in good order: it
//           costs one look at /proc, and it is what "nothing is left" rests on.
// Left      Leave was said. Events that still come are late, and nothing.
//
// The exit status is that of the first cause: a helper that fails while Ctrl+C is obeyed, or a
// Ctrl+C while a failed start is cleaned up, does not change it.
class Services : private Emits<Effect> {
 public:
  enum class State { Keeping, Stopping, Killing, Sweeping, Left };

  // `stop_time`: for helpers that were asked to stop; longer where the backend may take its time.
  explicit Services(Milliseconds stop_time = kStopTime) : stop_time_(stop_time) {}

  // Reacts to one event. Returns what must be done now, in order. Events of one helper come in
  // the order of its life; timers may expire late, in any state.
  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  State state() const { return state_; }

 private:
  enum class Life {
    Absent,    // not started, or gone
    Starting,  // StartHelper said, not answered
    Running,
    Resting,  // crashed; the pause before the next start
  };

  struct Member {
    Life life = Life::Absent;
    bool is_ready = false;
    std::deque<TimePoint> crashes;  // within kCrashWindow of the newest
    bool start_failed = false;      // since it was ready last, and that has been said
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
  void handle(const StopRequested& event, TimePoint now);
  void handle(const StopTimeOver& event, TimePoint now);
  void handle(const BackendSwept& event, TimePoint now);
  void handle(const PlaceLost& event, TimePoint now);

  Member& member(Helper which) { return members_[static_cast<std::size_t>(which)]; }

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
  bool complete_ = false;     // the others were started after proxyd
  bool restart_due_ = false;  // supervisord was not ready to hear of it: its signal would kill it
  bool stop_asked_ = false;
  TimePoint stop_asked_at_;
  int exit_status_ = 0;
};

std::string_view to_string(Services::State state);

}  // namespace hpp::launch
