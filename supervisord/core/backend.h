// Pure. Decides when the backend is spawned and killed, and what the others are told of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/bus/messages.h"
#include "common/exit_status.h"
#include "supervisord/core/restart_loop.h"

namespace hpp::supervisord {

using TimePoint = std::chrono::steady_clock::time_point;

// ---- events -------------------------------------------------------------------------------------
// Wall-clock times, `wall_ms`, are milliseconds since the Unix epoch.

struct Begun {  // the first event, once
  // What an earlier supervisord has said last, if that can be gone on with: its backend is in our
  // hands, or there was none. Nothing: whatever is left of it is to be killed.
  std::optional<bus::BackendState> last;
  std::int64_t wall_ms = 0;
};

struct TreeSeen {  // any snapshot of watchd's, news or not
  bus::TreeState tree;
  std::int64_t wall_ms = 0;
};

struct TreeWaitExpired {};  // the time of StartTreeWait is over

struct Doubted {  // proxyd asks whether the backend was killed; perhaps not for the first time
  bus::Ticket ticket;
};

struct RestartRequested {  // SIGHUP
  std::int64_t wall_ms = 0;
};

struct StopRequested {};  // SIGTERM, SIGINT

struct Spawned {
  std::int64_t pid = 0;
  std::int64_t wall_ms = 0;
};

struct SpawnFailed {
  std::string why;  // `No such file or directory`
  std::int64_t wall_ms = 0;
};

struct PortTaken {
  std::uint16_t port = 0;
  std::string by;  // `pid 1234 (python3 -m http.server 8001)`
  std::int64_t wall_ms = 0;
};

struct BuildEnded {  // answers Build
  ExitStatus status;
  std::string problem;  // why it could not even be started; empty: it was
  std::string output_tail;
  std::int64_t wall_ms = 0;
};

struct Answered {  // the ping got an HTTP answer
  std::uint64_t generation = 0;
  std::int64_t wall_ms = 0;
};

struct ProcessExited {  // the backend's first process; others of its tree may live
  std::uint64_t generation = 0;
  ExitStatus status;
  std::string output_tail;
  std::int64_t wall_ms = 0;
};

// No process of the backend is left, and nothing of it on its port that can be waited for; answers
// KillTree, once.
struct TreeGone {
  std::int64_t wall_ms = 0;
};

using Event =
    std::variant<Begun, TreeSeen, TreeWaitExpired, Doubted, RestartRequested, StopRequested,
                 Spawned, SpawnFailed, PortTaken, BuildEnded, Answered, ProcessExited, TreeGone>;

// ---- effects ------------------------------------------------------------------------------------

// Always the last of its list. The next event must be Spawned, SpawnFailed or PortTaken.
struct Spawn {
  std::uint64_t generation = 0;
  bool operator==(const Spawn&) const = default;
};

// Runs the build command. Answered by BuildEnded, except where KillTree comes before that.
struct Build {
  bool operator==(const Build&) const = default;
};

// Every process of the backend and of a build, and what an earlier supervisord left behind.
struct KillTree {
  bool operator==(const KillTree&) const = default;
};

struct StartProbe {
  std::uint64_t generation = 0;
  bool operator==(const StartProbe&) const = default;
};

struct StopProbe {
  bool operator==(const StopProbe&) const = default;
};

struct Publish {
  bus::BackendState snapshot;
  bool operator==(const Publish&) const = default;
};

struct Say {
  std::string text;
  bool begins_restart = false;  // it is the first line of one
  bool operator==(const Say&) const = default;
};

struct StartTreeWait {  // answered by TreeWaitExpired; nobody stops it
  bool operator==(const StartTreeWait&) const = default;
};

struct Leave {  // nothing follows
  bool operator==(const Leave&) const = default;
};

using Effect =
    std::variant<Spawn, Build, KillTree, StartProbe, StopProbe, Publish, Say, StartTreeWait, Leave>;
using Effects = std::vector<Effect>;

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
//           taken. The next change may cure it. Its first process is gone, but a shell's children
//           may live on: they are killed at once, and only when they are gone may the next backend
//           start; a change before that leads to Killing.
// Killing   SIGKILL is sent. Changes are noted and served by the next spawn; one kill is enough.
// Stopping  Like Killing, and then leave. Nothing brings it back. Readers see Killing.
// Left      The program ends.
//
// A supervisord that crashed is followed by one that goes on where it was: the backend of Loading
// and Running lives, and is taken over; Error waits for a change as before; Killing kills. What was
// saved meanwhile differs from `seen`, as any change does.
//
// Where there is a build command (--build), it runs before each spawn:
//
//   (spawn) becomes ──► Building ──built──► (spawn)
//                        │    └──failed──► Error
//                        └──change──► Killing ──tree gone──► Building
//
// and with --keep-last-good the backend lives meanwhile:
//
//   Running ──change──► Rebuilding ──built──► Killing ──tree gone──► (spawn)
//      ▲                 │  ▲  └─change, when this build is over─┐
//      └──────failed─────┘  └────────────────────────────────────┘
//
// Building    The build command runs, and no backend. Readers see Loading.
// Rebuilding  It runs, and the backend answers. Readers see Running, and that what it serves is not
//             the newest: they hold requests that came after the change. If the build fails they
//             are told that the backend serves it all the same, and what the problem is. A build is
//             not broken off for another: the backend would have to go with it.
//
// A change is a tree point that differs from `seen`. A tree of another epoch counts as one:
// nobody knows what happened in between. So does the first tree that is heard of, if it comes after
// the spawn: what was saved between the spawn and that word, the backend may not have read.
//
// The answer to Spawn is the next event, so there is no state for it. Events of processes carry
// the generation; those of an older one do not matter.
class Backend {
 public:
  enum class State {
    Starting,
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
    std::string build;            // a shell's command line; empty: there is nothing to build
    bool keep_last_good = false;  // the backend lives while it is built anew, and if that fails
  };

  // `spawns_so_far` continues the generations of an earlier supervisord: they never go back.
  Backend(Settings settings, std::uint64_t spawns_so_far);

  // Takes one event; the effects are to be performed in order.
  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  State state() const { return state_; }

  // Spawns so far.
  std::uint64_t generation() const { return facts_.generation; }

 private:
  // Why the backend is restarted.
  struct Cause {
    std::string told;   // `src/a.py changed`, `restart requested (SIGHUP)`
    std::string since;  // completes `437 ms after …`
    TimePoint at;
    std::vector<std::string> changed;
    std::int64_t wall_ms = 0;
  };

  Effects handle(const Begun& event, TimePoint now);
  Effects handle(const TreeSeen& event, TimePoint now);
  Effects handle(const TreeWaitExpired& event, TimePoint now);
  Effects handle(const Doubted& event, TimePoint now);
  Effects handle(const RestartRequested& event, TimePoint now);
  Effects handle(const StopRequested& event, TimePoint now);
  Effects handle(const Spawned& event, TimePoint now);
  Effects handle(const SpawnFailed& event, TimePoint now);
  Effects handle(const PortTaken& event, TimePoint now);
  Effects handle(const BuildEnded& event, TimePoint now);
  Effects handle(const Answered& event, TimePoint now);
  Effects handle(const ProcessExited& event, TimePoint now);
  Effects handle(const TreeGone& event, TimePoint now);

  Effects take_over(const bus::BackendState& last, std::int64_t wall_ms, TimePoint now);
  Effects restart(Cause cause);
  void note(Cause cause);
  Effects kill(State next, const std::string& why, TimePoint now);
  Effects start(TimePoint now);
  Effects start_first(TimePoint now);
  Effects build(TimePoint now);
  Effects build_failed(const BuildEnded& event, TimePoint now);
  Effects rebuild(TimePoint now);
  Effects rebuilt(const BuildEnded& event, TimePoint now);
  Effects spawn();
  void prepare();
  void forget_end();
  std::optional<Say> loop_warning(const bus::TreeState& tree, TimePoint now);
  Effects fail(std::string because, std::int64_t wall_ms);
  Effects leave();
  Publish publish() const;
  std::string loading_text() const;
  std::string running_text(TimePoint now) const;
  std::string since_text(TimePoint now) const;

  Settings settings_;
  State state_ = State::Starting;
  bus::BackendState facts_;  // what readers are told; `seen` is the newest tree known
  bool tree_wait_over_ = false;
  bool spawn_due_ = false;  // Spawn is not answered yet
  bool kill_due_ = false;   // KillTree is not answered yet
  std::string cause_text_;  // of the restart under way, if it needed no kill
  std::string kill_text_;   // how long the kill before this spawn took
  std::string since_text_;  // what began this restart; empty: the first start
  TimePoint restart_begun_;
  TimePoint kill_begun_;
  TimePoint spawned_;
  TimePoint ready_;
  RestartLoop loop_;
  bool is_built_ = false;          // for the spawn that comes next
  std::optional<Cause> next_;      // in Rebuilding: why
  bool is_building_next_ = false;  // what is being built has it
  std::string build_text_;         // how long the build before this spawn took
  TimePoint build_begun_;
};

std::string_view to_string(Backend::State state);

}  // namespace hpp::supervisord
