// Pure. What can happen to the backend, and what its core wants done.
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

// When an event happened, on both clocks.
struct Now {
  TimePoint steady;          // for durations and deadlines
  std::int64_t wall_ms = 0;  // milliseconds since the Unix epoch: for people, since it may jump
};

// ---- events -------------------------------------------------------------------------------------

struct Begun {  // the first event, once
  // What an earlier supervisord has said last, if that can be gone on with: its backend is in our
  // hands, or there was none. Nothing: whatever is left of it is to be killed.
  std::optional<bus::BackendState> last;
};

struct TreeSeen {  // any snapshot of watchd's, news or not
  bus::TreeState tree;
};

struct Doubted {  // proxyd asks whether the backend was killed; perhaps not for the first time
  bus::Ticket ticket;
};

struct RestartRequested {};  // SIGHUP

struct StopRequested {};  // SIGTERM, SIGINT

struct Spawned {
  std::int64_t pid = 0;
};

struct SpawnFailed {
  std::string why;  // `No such file or directory`
};

struct PortTaken {
  std::uint16_t port = 0;
  std::string by;        // `pid 1234 (python3 -m http.server 8001)`
  std::int64_t pid = 0;  // the process that `by` describes; 0: it is not ours to see
};

struct StepEnded {  // answers RunStep
  ExitStatus status;
  std::string problem;  // why it could not be started, or more than its status says
  std::string output_tail;
};

struct Answered {  // the ping got an HTTP answer
  std::uint64_t generation = 0;
  std::string address;   // where from: `127.0.0.1:8001`
  std::string stranger;  // the process outside the backend's tree that gave it; empty: the tree did
};

// The probe found a listener on the backend's port, but none that belongs to the backend's tree.
// Comes again and again for as long as that is so.
struct StrangerListens {
  std::uint64_t generation = 0;
  std::string stranger;  // `pid 1234 (node x.js)`
};

// The reason why the probe has no answer yet.
struct Sight {
  enum class Is {
    Nothing,     // it has not looked yet
    NoListener,  // every connection is refused, or gets nowhere
    Silence,     // a connection was made, and no answer has come
    NoAnswer,    // a connection was made, and ended without an answer
    NotHttp,     // an answer came that is not HTTP/1
  };

  Is is = Is::Nothing;
  std::string address;    // `127.0.0.1:8001`
  std::string beginning;  // NotHttp: of the answer

  bool operator==(const Sight&) const = default;
};

struct ProbeSaw {
  std::uint64_t generation = 0;
  Sight sight;
};

// Comes between KillTree and TreeGone, once: processes that live on because this user may not
// signal them.
struct KillRefused {
  std::vector<std::int64_t> pids;
  std::string who;  // `pid 1234 (sudo -n ./server)`
};

struct TimerExpired {};  // answers StartTimer

struct ProcessExited {  // the backend's first process; others of its tree may live
  std::uint64_t generation = 0;
  ExitStatus status;
  std::string output_tail;
  std::string problem;  // why it ended, if more is known than its status
};

// No process of the backend is left, and nothing of it on its port that can be waited for; answers
// KillTree, once.
struct TreeGone {};

using Event = std::variant<Begun, TreeSeen, Doubted, RestartRequested, StopRequested, Spawned,
                           SpawnFailed, PortTaken, StepEnded, Answered, StrangerListens, ProbeSaw,
                           ProcessExited, TreeGone, KillRefused, TimerExpired>;

// ---- effects ------------------------------------------------------------------------------------

// Always the last of its list. The next event must be Spawned, SpawnFailed or PortTaken.
struct Spawn {
  std::uint64_t generation = 0;
  bool operator==(const Spawn&) const = default;
};

// Runs a step of the preparation. Answered by StepEnded, which may come after a KillTree, and is
// ignored then.
struct RunStep {
  std::string command;  // a shell's command line
  bool operator==(const RunStep&) const = default;
};

// Every process of the backend and of a step, and what an earlier supervisord left behind. Begins
// again if TreeGone is still due.
struct KillTree {
  bool operator==(const KillTree&) const = default;
};

struct StartProbe {
  // Processes whose answer counts.
  enum class Of {
    Tree,         // a process of the backend's tree
    Anybody,      // the tree's before a stranger's
    TreeInstead,  // the tree's, while a stranger's answers are passed on: there is no hurry
  };

  std::uint64_t generation = 0;
  Of of = Of::Tree;
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

// Starts the core's one timer, or starts it again. TimerExpired answers; an expiry that is of no
// use any more is ignored.
struct StartTimer {
  std::chrono::milliseconds after{};
  bool operator==(const StartTimer&) const = default;
};

struct Leave {  // nothing follows
  bool operator==(const Leave&) const = default;
};

using Effect =
    std::variant<Spawn, RunStep, KillTree, StartProbe, StopProbe, Publish, Say, StartTimer, Leave>;
using Effects = std::vector<Effect>;

}  // namespace hpp::supervisord
