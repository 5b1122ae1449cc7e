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
                 Spawned, SpawnFailed, PortTaken, Answered, ProcessExited, TreeGone>;

// ---- effects ------------------------------------------------------------------------------------

// Always the last of its list. The next event must be Spawned, SpawnFailed or PortTaken.
struct Spawn {
  std::uint64_t generation = 0;
  bool operator==(const Spawn&) const = default;
};

struct KillTree {  // every process of the backend, and what an earlier supervisord left behind
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
  bool operator==(const Say&) const = default;
};

struct StartTreeWait {  // answered by TreeWaitExpired; nobody stops it
  bool operator==(const StartTreeWait&) const = default;
};

struct Leave {  // nothing follows
  bool operator==(const Leave&) const = default;
};

using Effect =
    std::variant<Spawn, KillTree, StartProbe, StopProbe, Publish, Say, StartTreeWait, Leave>;
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
// A change is a tree point that differs from `seen`. A tree of another epoch counts as one:
// nobody knows what happened in between. So does the first tree that is heard of, if it comes after
// the spawn: what was saved between the spawn and that word, the backend may not have read.
//
// The answer to Spawn is the next event, so there is no state for it. Events of processes carry
// the generation; those of an older one do not matter.
class Backend {
 public:
  enum class State { Starting, Loading, Running, Error, Killing, Stopping, Left };

  // `spawns_so_far` continues the generations of an earlier supervisord: they never go back.
  Backend(std::vector<std::string> command, std::uint64_t spawns_so_far);

  // Takes one event; the effects are to be performed in order.
  [[nodiscard]] Effects on(const Event& event, TimePoint now);

  State state() const { return state_; }

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
  Effects handle(const Answered& event, TimePoint now);
  Effects handle(const ProcessExited& event, TimePoint now);
  Effects handle(const TreeGone& event, TimePoint now);

  Effects take_over(const bus::BackendState& last, std::int64_t wall_ms, TimePoint now);
  Effects restart(Cause cause);
  Effects kill(State next, const std::string& why, TimePoint now);
  Effects spawn();
  Effects spawn_first();
  void forget_end();
  Effects fail(std::string because, std::int64_t wall_ms);
  Effects leave();
  Publish publish() const;
  std::string loading_text() const;
  std::string running_text(TimePoint now) const;

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
};

std::string_view to_string(Backend::State state);

}  // namespace hpp::supervisord
