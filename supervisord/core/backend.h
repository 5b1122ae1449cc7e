// Pure. Decides when the backend is spawned and killed, and when its message is published.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/bus/messages.h"
#include "common/emits.h"
#include "supervisord/core/events.h"
#include "supervisord/core/preparation.h"
#include "supervisord/core/restart_pace.h"
#include "supervisord/core/strangers.h"
#include "supervisord/core/wording.h"

namespace hpp::supervisord {

// How long the first spawn waits for watchd. That is there within some 50 ms if it is started
// together with supervisord, and perhaps never if a developer runs supervisord alone.
constexpr std::chrono::milliseconds kTreeWait{1'000};

// How often a spawn is tried again that failed for a reason which may end without a change of any
// file: the port is in use, the command does not exist yet.
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
// Starting  Nothing was spawned. Waits for watchd's first word, so that the first backend serves a
//           tree that has a name and starting up is no change; but not for long, since a developer
//           without a watcher wants a server too. Waits as well until the leftovers of a
//           supervisord that crashed are dead. Readers see Loading: requests are held.
// Loading   Spawned, does not answer yet.
// Running   Answered.
// Error     Ended of its own accord, or could not be spawned: the command is missing, the port is
//           taken. The next change may cure it. A spawn that failed is tried again every
//           kRetryEvery: same generation, and nothing is said or published until it works or the
//           reason changes. Its first process is gone, but a shell's children may live on: they are
//           killed at once, and only when they are gone may the next backend start; a change before
//           that leads to Killing. If processes cannot be killed because they belong to another
//           user, Killing ends here: the start goes on when they have ended, and the next change
//           tries to kill them again.
// Killing   SIGKILL is sent. Changes are noted and served by the next spawn; one kill is enough.
// Stopping  Like Killing, and then leave. Nothing brings it back. Readers see Killing.
// Left      The program ends.
//
// A supervisord that crashed is followed by one that goes on where it was: the backend of Loading
// and Running lives, and is taken over; Error waits for a change as before; Killing kills. What was
// saved meanwhile differs from `seen`, as any change does.
//
// If restarts follow each other too fast, a start waits (restart_pace.h):
//
//   (spawn) becomes ──► Waiting ──time over──► (spawn)
//                        │   ▲
//                        └───┘ change: waits anew until the files are quiet, or starts at once
//
// Waiting     No backend and no build. Readers see Loading, and why. A request for a restart ends
//             it. If supervisord crashes in this state, its successor starts the backend.
//
// If steps are to succeed before each spawn (preparation.h; --build is one), they run here:
//
//   (spawn) becomes ──► Building ──built──► (spawn)
//                        │    └──failed──► Error
//                        └──change──► Killing ──tree gone──► Building
//
// and with --keep-last-good the backend lives meanwhile:
//
//   Running ──change──► Rebuilding ──built──► Killing ──tree gone──► (spawn)
//      ▲                 │  ▲  └─change, when this step is over──┐
//      └──────failed─────┘  └────────────────────────────────────┘
//
// Building    A step runs, and no backend. Readers see Loading.
// Rebuilding  A step runs, or waits, and the backend answers. Readers see Running, and that what it
//             serves is not the newest: they hold requests that came after the change. If a step
//             fails they are told that the backend serves it all the same, and what the problem is.
//             A step is not killed because of a change: the backend would have to go with it.
//
// A change is a tree point that differs from `seen`. A tree of another epoch counts as one:
// nobody knows what happened in between. So does the first tree that is heard of, if it comes after
// the spawn: what was saved between the spawn and that word, the backend may not have read.
//
// strangers.h: another program may listen on the backend's port.
//
// The answer to Spawn is the next event, so there is no state for it. Events of processes carry
// the generation; those of an older one do not matter.
class Backend : private Emits<Effect> {
 public:
  enum class State {
    Starting,
    Waiting,
    Building,
    Loading,
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
    bool keep_last_good = false;  // the backend lives while the steps run, and if one fails
  };

  // `spawns_so_far` continues the generations of an earlier supervisord: they never go back.
  Backend(Settings settings, std::uint64_t spawns_so_far);

  // Takes one event; the effects are to be performed in order.
  [[nodiscard]] Effects on(const Event& event, Now now);

  State state() const { return state_; }

  // Spawns so far.
  std::uint64_t generation() const { return facts_.generation; }

 private:
  // Why the backend is restarted.
  struct Cause {
    std::string told;   // `src/a.py changed`, `restart requested (SIGHUP)`
    std::string since;  // completes `437 ms after …`
    Now at;
    std::vector<std::string> changed;
  };

  // The first answer, while pace_ keeps Running back.
  struct HeldAnswer {
    Answered answer;
    Now at;
  };

  void handle(const Begun& event, Now now);
  void handle(const TreeSeen& event, Now now);
  void handle(const Doubted& event, Now now);
  void handle(const RestartRequested& event, Now now);
  void handle(const StopRequested& event, Now now);
  void handle(const Spawned& event, Now now);
  void handle(const SpawnFailed& event, Now now);
  void handle(const PortTaken& event, Now now);
  void handle(const StepEnded& event, Now now);
  void handle(const Answered& event, Now now);
  void handle(const StrangerListens& event, Now now);
  void handle(const ProbeSaw& event, Now now);
  void handle(const ProcessExited& event, Now now);
  void handle(const TreeGone& event, Now now);
  void handle(const KillRefused& event, Now now);
  void handle(const TimerExpired& event, Now now);

  void take_over(const bus::BackendState& last, Now now);
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
  void build_failed(const StepEnded& event, Now now);
  void rebuild_at_pace(const Pause& pause, Now now);
  void rebuild(Now now);
  void rebuilt(const StepEnded& last, Now now);
  void spawn();
  void prepare();
  void fail(const std::string& because, Now now);
  void fail_spawn(std::string because, std::optional<bus::BackendExit> exit, Now now);
  void run(const Answered& event, Now answered);
  void switch_to_tree(const Answered& event);
  bool is_strangers() const;
  bool awaits_answer() const;
  bool is_probing() const;
  void leave();
  void publish();

  bool keep_last_good_;
  Preparation preparation_;
  State state_ = State::Starting;
  bus::BackendState facts_;  // what readers are told; `seen` is the newest tree known
  Wording wording_;
  bool tree_wait_over_ = false;
  bool spawn_due_ = false;       // Spawn is not answered yet
  bool kill_due_ = false;        // KillTree is not answered yet
  bool is_refused_ = false;      // in Error: the kill was refused, and a start waits for its end
  bool can_kill_again_ = false;  // KillTree was refused: the next change or stop repeats it
  Strangers strangers_;
  std::string spawn_failure_;  // in Error: why the spawn fails that is tried again
  bool retrying_ = false;      // the spawn that is due is such a try
  RestartPace pace_;
  std::optional<HeldAnswer> held_answer_;  // in Loading: pace_ keeps Running back
  std::optional<Cause> next_;              // in Rebuilding: why
};

}  // namespace hpp::supervisord
