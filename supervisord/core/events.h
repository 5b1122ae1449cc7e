// Pure. The events that the backend's core handles, and the effects that it requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/bus/messages.h"
#include "common/exit_status.h"
#include "common/time_point.h"

namespace hpp::supervisord {

// When an event happened, on both clocks.
struct Now {
  TimePoint steady;          // for durations and deadlines
  std::int64_t wall_ms = 0;  // milliseconds since the Unix epoch, which may jump: only for display
};

// ---- events -------------------------------------------------------------------------------------

struct Begun {  // the first event; comes once
  // The last snapshot of an earlier supervisord, if this one can continue from it: the backend has
  // been taken over, or has ended. If there is no value, everything that an earlier backend left
  // must be killed.
  std::optional<bus::BackendState> last;
};

struct TreeSeen {  // a snapshot from watchd, which may be a repetition
  bus::TreeState tree;
};

struct CheckRequested {  // a liveness check from proxyd, which may be a repetition
  bus::Ticket ticket;
};

struct SiteSeen {  // a snapshot from proxyd, which may be a repetition
  std::string url;
};

// The user wants the backend restarted. A repetition of a ticket changes nothing.
struct RestartRequested {
  bus::Ticket ticket;  // from proxyd, for a browser; epoch 0: SIGHUP
};

struct PauseRequested {  // see RestartRequested; without a ticket: SIGUSR1
  bus::Ticket ticket = {};
};

struct ResumeRequested {  // without a ticket: SIGUSR2
  bus::Ticket ticket = {};
};

// The user wants a pause to begin, or the current one to end. The sender does not know which it is
// (hpp-launch, SIGRTMIN).
struct PauseToggled {};

struct StopRequested {};  // SIGTERM, SIGINT

struct Spawned {
  std::int64_t pid = 0;
  bool is_warm = false;      // the process is a spare whose gate was opened
  std::string cold_because;  // with --warm: why it is not
};

// After Spawned with `is_warm`: the process has ended, or must be ended, before it has loaded
// anything of the project. A cold start may succeed.
struct SpareFailed {
  std::uint64_t generation = 0;
  std::string why;  // `the spare has ended with exit code 1 when its gate was opened`
  bool operator==(const SpareFailed&) const = default;
};

struct SpawnFailed {
  std::string why;            // `No such file or directory`
  bool is_not_found = false;  // there is no such program
};

struct PortTaken {
  std::uint16_t port = 0;
  std::string by;        // `pid 1234 (python3 -m http.server 8001)`
  std::int64_t pid = 0;  // the process that `by` describes; 0 if this user may not see it
};

struct StepEnded {  // answers RunStep
  ExitStatus status;
  std::string problem;  // why the step could not be started, or a cause that `status` does not give
  std::string output_tail;
  std::optional<bus::BackendError> error;  // the error in output_tail
};

// Answers AwaitAnnouncement: the server has said that it is ready (--ready line, notify).
struct Announced {
  std::uint64_t generation = 0;
};

struct Answered {  // the probe got an answer
  std::uint64_t generation = 0;
  bool is_response = true;  // false: the server closes connections without an HTTP response
  std::string address;      // the address that answered: `127.0.0.1:8001`
  std::string stranger;     // the process outside the backend's tree that answered; else empty
};

// The probe found a listener on the backend's port, but none that belongs to the backend's tree.
// Comes repeatedly while that is the case.
struct StrangerListens {
  std::uint64_t generation = 0;
};

// When a server without an answer is late.
constexpr std::chrono::milliseconds kLate{5'000};

// The reason why the probe has no answer yet, or has not begun.
struct Sight {
  enum class Is {
    Nothing,     // the probe has not tried yet
    NoLine,      // no line of the output matches --ready line:REGEX
    NoMessage,   // READY=1 has not come (--ready notify)
    NoListener,  // every connection is refused or times out
    Silence,     // a connection was accepted, but has brought no answer yet
    NoAnswer,    // a connection was accepted, but ended without an answer
    NotHttp,     // an answer came that is not HTTP/1
  };

  Is is = Is::Nothing;
  std::string address;    // `127.0.0.1:8001`; empty for NoLine and NoMessage
  std::string beginning;  // NotHttp: the first bytes of the answer
  // With ProbeSaw::is_late: where the backend listens, but not on `address`, `port 9000`, and the
  // debugger that holds the first process.
  std::vector<std::string> elsewhere{};
  std::string tracer{};
  std::string detail{};  // NoLine: REGEX; NoMessage: the server's newest STATUS=, or empty

  bool operator==(const Sight&) const = default;
};

struct ProbeSaw {
  std::uint64_t generation = 0;
  Sight sight;
  bool is_late = false;  // the server has not answered for a time that a person notices; comes
                         // once, and once before Announced
};

// Some processes are still alive because this user may not signal them. Comes at most once between
// KillTree and TreeGone.
struct KillRefused {
  std::vector<std::int64_t> pids;
  std::string who;  // `pid 1234 (sudo -n ./server)`
};

struct TimerExpired {};  // answers StartTimer

struct ProcessExited {  // the backend's first process; others of its tree may live
  std::uint64_t generation = 0;
  ExitStatus status;
  std::string output_tail;
  std::string problem;                     // why the process ended, if `status` does not explain it
  std::optional<bus::BackendError> error;  // the error in output_tail
};

// No process of the backend is left, and its port is free, or the wait for the port has timed out.
// Answers KillTree, once.
struct TreeGone {};

using Event =
    std::variant<Begun, TreeSeen, CheckRequested, SiteSeen, RestartRequested, PauseRequested,
                 ResumeRequested, PauseToggled, StopRequested, Spawned, SpareFailed, SpawnFailed,
                 PortTaken, StepEnded, Announced, Answered, StrangerListens, ProbeSaw,
                 ProcessExited, TreeGone, KillRefused, TimerExpired>;

// ---- effects ------------------------------------------------------------------------------------

// Always the last effect of its list. The next event must be Spawned, SpawnFailed or PortTaken.
struct Spawn {
  std::uint64_t generation = 0;
  bool operator==(const Spawn&) const = default;
};

// Runs a step of the preparation. Answered by StepEnded, which is ignored if it comes after a
// KillTree.
struct RunStep {
  std::string command;  // a shell's command line
  bool operator==(const RunStep&) const = default;
};

// Kills all processes of the backend and of a step, and those that an earlier supervisord left
// behind. Starts again if the TreeGone of an earlier KillTree has not come yet.
struct KillTree {
  bool operator==(const KillTree&) const = default;
};

// Waits until the server says that it is ready. Answered by Announced, unless StopProbe comes
// first.
struct AwaitAnnouncement {
  std::uint64_t generation = 0;
  bool operator==(const AwaitAnnouncement&) const = default;
};

struct StartProbe {
  // Processes whose answer counts.
  enum class Of {
    Tree,  // a process of the backend's tree
    // Any process, but processes of the tree take precedence.
    AnyProcess,
    // A process of the tree, while requests go to a stranger. Probes at long intervals.
    TreeInstead,
  };

  std::uint64_t generation = 0;
  Of of = Of::Tree;
  bool operator==(const StartProbe&) const = default;
};

// Ends what AwaitAnnouncement or StartProbe has begun.
struct StopProbe {
  bool operator==(const StopProbe&) const = default;
};

struct Publish {
  bus::BackendState snapshot;
  bool operator==(const Publish&) const = default;
};

// A log line as a person reads it (brief.h).
struct Brief {
  std::string headword;  // the line's beginning, in the colour of the state; or empty
  std::string text;      // the rest of the line
  std::string advice;    // a second line; or empty
  bool operator==(const Brief&) const = default;

  bool is_silent() const { return headword.empty() && text.empty(); }
};

struct Say {
  std::string text;             // for --verbose
  bool begins_restart = false;  // this is the first line about a restart
  std::optional<Brief> brief;   // without --verbose; nothing: see plain() in brief.h
  bool operator==(const Say&) const = default;
};

// Starts or restarts the core's only timer. Answered by TimerExpired. The core ignores an expiry
// that it no longer needs.
struct StartTimer {
  std::chrono::milliseconds after{};
  bool operator==(const StartTimer&) const = default;
};

struct Leave {  // ends supervisord; no effect follows
  bool operator==(const Leave&) const = default;
};

using Effect = std::variant<Spawn, RunStep, KillTree, AwaitAnnouncement, StartProbe, StopProbe,
                            Publish, Say, StartTimer, Leave>;
using Effects = std::vector<Effect>;

}  // namespace hpp::supervisord
