// Pure. Decides when the backend is spawned and killed, and when its snapshot is published.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/bus/messages.h"
#include "common/emits.h"
#include "supervisord/core/crash_retry.h"
#include "supervisord/core/events.h"
#include "supervisord/core/facts.h"
#include "supervisord/core/preparation.h"
#include "supervisord/core/restart_pace.h"
#include "supervisord/core/strangers.h"
#include "supervisord/core/wording.h"

namespace hpp::supervisord {

// How long the first spawn waits for watchd. If watchd is started together with supervisord, it is
// ready within about 50 ms. If a developer runs supervisord alone, it may never come.
constexpr std::chrono::milliseconds kTreeWait{1'000};

// Interval of the retries after a failed spawn. Its reason may end without a change of any file:
// the port is in use, or the command does not exist yet.
constexpr std::chrono::milliseconds kRetryEvery{500};

// ---- the backend's life -------------------------------------------------------------------------
//
//   Starting ──tree known, nothing left──► (spawn) ──► Loading ──answered──► Running
//                                           ▲  ▲  │     │ │                    │ │
//                                  tree gone│  │  │     │ └──────exited──┐     │ │
//                                           │  │  └─cannot be spawned──► Error ◄─┘ exited
//                                           │  └──change, all gone────── │
//                                           │                            │ change, remains alive
//                                        Killing ◄───────────────────────┘
//                                           ▲──change── Loading, Running
//
//   every state ──stop──► Stopping ──tree gone──► Left
//
// Starting  No backend has been spawned yet. Waits for watchd's first snapshot, so that the first
//           backend serves a known revision, and that snapshot does not count as a change. Waits
//           for at most kTreeWait, because a developer without a watcher wants a server, too. Also
//           waits until the processes that a crashed supervisord left are dead. Readers see
//           Loading, so requests are held.
// Loading   The backend was spawned, but does not answer yet. If it announces that it is ready
//           (--ready line, notify), it is not probed before. A supervisord that takes over a
//           backend in Loading learns from the snapshot whether it has announced that.
// Running   The backend has answered.
// Error     The backend has ended by itself, its build has failed, or it could not be spawned
//           because the command is missing or the port is taken. The next change may fix that.
//
//           A failed spawn is retried every kRetryEvery, with the same generation. Nothing is
//           logged or published until it succeeds or fails for another reason.
//
//           After a crash that no save has caused, the backend may be started again
//           (crash_retry.h): when all its processes are gone, and a pause is over. If hpp is
//           paused, the first change that is noted ends this.
//
//           The first process is gone, but other processes, such as a shell's children, may live.
//           They are killed at once. The next backend is not started until they are gone; a change
//           before that leads to Killing.
//
//           If processes cannot be killed because they belong to another user, Killing becomes
//           Error. The start continues when they have ended. The next change kills them again.
// Killing   SIGKILL was sent. Further changes are recorded and served by the next spawn. They need
//           no second kill.
// Stopping  Like Killing, but leads to Left. No event leads back. Readers see Killing.
// Left      The program ends.
//
// After a crash of supervisord, the next one continues in the state of the last snapshot. In
// Loading and Running the backend lives and is taken over. Error still waits for a change. Killing
// kills again. A save that was made meanwhile gives a tree point that differs from `seen`, as any
// change does.
//
// If restarts follow each other too fast, a start waits (restart_pace.h):
//
//   (spawn) becomes ──► Waiting ──time over──► (spawn)
//                        │   ▲
//                        └───┘ change: waits again until the files are quiet, or starts at once
//
// Waiting     No backend and no build runs. Readers see Loading and the reason for the wait. A
//             request for a restart ends the wait. If supervisord crashes in this state, the next
//             one starts the backend.
//
// If the back-off suspects that the backend restarts itself, it holds the result of the next start
// back. An answer is held in Loading. A failure has a state of its own:
//
//   Building, Loading ──failed──► Failing ──time over──► Error
//                                    └──change, request──► Error ──► (as a change in Error)
//
// Failing     The build or the backend has failed, or it could not be spawned. Readers see Loading
//             and the reason for the delay. Everything else is as in Error. If supervisord crashes
//             in this state, the next one starts the backend.
//
// If there are steps that must succeed before each spawn (preparation.h), such as --build, they run
// here:
//
//   (spawn) becomes ──► Building ──built──► (spawn)
//                        │    └──failed──► Error
//                        └──change──► Killing ──tree gone──► Building
//
// With --keep-last-good, the backend lives while the steps run:
//
//   Running ──change──► Rebuilding ──built──► Killing ──tree gone──► (spawn)
//      ▲                 │  ▲  └─change, when this step is over──┐
//      └──────failed─────┘  └────────────────────────────────────┘
//
// Building    A step runs, and no backend. Readers see Loading.
// Rebuilding  A step runs or waits for its start, and the backend answers. Readers see Running, and
//             that the backend does not serve the newest revision, so they hold requests that came
//             after the change. If a step fails, the snapshot reports the problem and declares that
//             the backend serves the newest revision, so that these requests are passed on. A
//             change does not kill the step, because the kill would include the backend.
//
// A change is a tree point that differs from `seen`. A tree of another epoch counts as a change,
// because its revisions cannot be compared with the earlier ones. The first tree counts as a change
// if it comes after the spawn, because the backend may not have read files that were saved between
// the spawn and that snapshot.
//
// While hpp is *paused* (hpp-ctl pause), a change does not begin a restart. In Loading, Running and
// Error it is only noted. In the other states a start is under way already, whose backend serves
// the change as usual. Readers see which change was noted, and do not wait for a backend that
// serves it. The end of the pause restarts the backend if a change was noted. Everything else goes
// on: the first start, a restart that the user requests, the retries of a failed spawn. The pause
// survives a crash of supervisord, but not its end. With --manual, the pause begins with the first
// start.
//
// For other programs that listen on the backend's port, see strangers.h.
//
// A spawn may open the gate of a spare (spare.h). Only the answer to Spawn says so. If the spare
// turns out to be unusable, Loading leads to Killing without a change, and then to a spawn.
//
// The answer to Spawn is always the next event, so there is no state for the time between them. The
// events of processes carry a generation; events of an older generation are ignored.
class Backend : private Emits<Effect> {
 public:
  enum class State {
    Starting,
    Waiting,
    Building,
    Loading,
    Failing,
    Running,
    Rebuilding,
    Error,
    Killing,
    Stopping,
    Left,
  };

  struct Settings {
    std::vector<std::string> command;
    std::vector<Step> steps;      // run before each spawn
    bool keep_last_good = false;  // the backend lives while the steps run, and if a step fails
    bool has_spares = false;      // a spare may live without a backend (spare.h)
    bool is_manual = false;       // hpp is paused from the start (--manual)
    std::chrono::milliseconds settle{};  // the settling time after a change (restart_pace.h)
    bool has_keys = false;               // hpp-launch reads keys
    std::uint32_t retries = 0;           // starts in a row after crashes (crash_retry.h)
    bool is_announced = false;           // the server announces that it is ready (--ready)
  };

  // `previous` is the last snapshot of an earlier supervisord, of which the generation, the
  // pause and the accepted requests of browsers count even if nothing is left of its backend.
  // Generations never decrease, and proxyd repeats its requests.
  explicit Backend(Settings settings, const bus::BackendState& previous = {});

  // Handles one event. The effects must be performed in order.
  [[nodiscard]] Effects on(const Event& event, Now now);

  State state() const { return state_; }

  // The newest generation.
  std::uint64_t generation() const { return facts_.generation; }

  // Whether the ticket asks for a restart, and has not caused one.
  bool is_new_request(const bus::Ticket& ticket) const {
    return supervisord::is_new_request(facts_, ticket);
  }

 private:
  // Why the backend is restarted.
  struct Cause {
    std::string text;   // `src/a.py changed`, `restart requested (SIGHUP)`
    std::string since;  // completes `437 ms after …`
    Now at;
    std::vector<std::string> changed;
  };

  // The first answer, while pace_ holds Running back.
  struct HeldAnswer {
    Answered answer;
    Now at;
  };

  // The command could not be started.
  struct SpawnProblem {
    std::string because;
    bus::Failure failure = bus::Failure::CannotStart;
  };

  using Failure = std::variant<ProcessExited, StepEnded, SpawnProblem>;

  // A failure that is not published yet.
  struct HeldFailure {
    Failure failure;
    Now at;
  };

  void handle(const Begun& event, Now now);
  void handle(const TreeSeen& event, Now now);
  void handle(const CheckRequested& event, Now now);

  void handle(const SiteSeen& event, Now) { wording_.on_site(event.url); }

  void handle(const RestartRequested& event, Now now);
  void handle(const PauseRequested& event, Now now);
  void handle(const ResumeRequested& event, Now now);
  void handle(const PauseToggled& event, Now now);
  void handle(const StopRequested& event, Now now);
  void handle(const Spawned& event, Now now);
  void handle(const SpareFailed& event, Now now);
  void handle(const SpawnFailed& event, Now now);
  void handle(const PortTaken& event, Now now);
  void handle(const StepEnded& event, Now now);
  void handle(const Announced& event, Now now);
  void handle(const Answered& event, Now now);
  void handle(const StrangerListens& event, Now now);
  void handle(const ProbeSaw& event, Now now);
  void handle(const ProcessExited& event, Now now);
  void handle(const TreeGone& event, Now now);
  void handle(const KillRefused& event, Now now);
  void handle(const TimerExpired& event, Now now);

  void take_over(const bus::BackendState& last, Now now);
  bool only_notes() const;
  void note_only(const Cause& cause);
  void restart(Cause cause);
  void note(Cause cause);
  void kill(State next, const std::string& why, Now now);
  void start(Now now);
  void start_first(Now now);
  void give_up_tree_wait(Now now);
  bool waits(State state, const Pause& pause);
  void start_at_pace(const Pause& pause, Now now);
  void begin(Now now);
  void run_step();
  void rebuild_at_pace(const Pause& pause, Now now);
  void rebuild(Now now);
  void rebuilt(Now now);
  void spawn();
  void prepare();
  void on_spawn_problem(SpawnProblem problem, Now now);
  void on_failure(Failure failure, Now now);
  void end_failure_hold(Now now);
  void report_held_failure();
  void report(const ProcessExited& failure, Now at);
  void report(const StepEnded& failure, Now at);
  void report(const SpawnProblem& failure, Now at);
  void fail(Say say, Now now);
  void await_try();
  void try_again(Now now);
  void run(const Answered& event, Now answered);
  void switch_to_tree(const Answered& event);
  bool is_strangers() const;
  bool awaits_answer() const;
  bool is_probing() const;
  void probe();
  void leave();
  void publish();

  bool keep_last_good_;
  bool has_spares_;
  bool is_manual_;
  bool is_announced_;
  Preparation preparation_;
  State state_ = State::Starting;
  bus::BackendState facts_;  // the snapshot for readers; `seen` is the newest known tree
  Wording wording_;
  bool tree_wait_over_ = false;
  bool spawn_due_ = false;       // Spawn is not answered yet
  bool kill_due_ = false;        // KillTree is not answered yet
  bool is_refused_ = false;      // in Error: a kill was refused, and the start waits for its end
  bool can_kill_again_ = false;  // KillTree was refused: the next change or stop repeats it
  Strangers strangers_;
  std::string spawn_failure_;  // in Error: why the spawn failed that is being retried
  bool retrying_ = false;      // the pending Spawn is a retry
  CrashRetry crash_retry_;
  bool try_is_due_ = false;  // in Error: the timer runs after which the backend is started again
  RestartPace pace_;
  std::optional<HeldAnswer> held_answer_;    // in Loading: pace_ holds Running back
  std::optional<HeldFailure> held_failure_;  // in Failing and Rebuilding: pace_ holds it back
  std::optional<Cause> next_;                // in Rebuilding: the cause of the rebuild
  std::vector<std::string> noted_files_;  // the files that belong to facts_.noted, as far as known
};

}  // namespace hpp::supervisord
