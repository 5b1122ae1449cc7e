// Pure. The events that the core of the spare handles, and the effects that it requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "supervisord/core/backend.h"
#include "supervisord/core/events.h"

namespace hpp::supervisord::spare {

// ---- events -------------------------------------------------------------------------------------

struct Begun {  // the first event; comes once
  // The `hello` and `env` lines of the backend that was taken over (Remember); else empty.
  std::vector<std::string> lines;
};

// The backend's core has published a snapshot, which may be a repetition.
struct BackendSeen {
  Backend::State state = Backend::State::Starting;
  std::uint64_t generation = 0;
  bus::TreePoint seen;
  std::chrono::milliseconds cold{};  // BackendState::Start::cold_ms
};

// watchd has reported changes, or has repeated a report.
struct FilesChanged {
  bus::TreePoint point;            // up to which the changes are known
  std::vector<std::string> paths;  // files that have changed since the report before
  bool is_all = false;             // no other file has changed since then
};

// A backend is about to be started, and its port is free. Answered by Promote or StartCold.
struct StartDue {
  std::uint64_t generation = 0;
  // A file of the project folder itself that the spare may have read, and that has changed since it
  // was started (file_marks.h); empty: none has.
  std::string changed;
};

enum class Of { Server, Spare };

struct Line {  // a line from a gate, without its LF
  Of of = Of::Server;
  std::string text;
};

// The process has closed its end of the gate, or has sent more than hpp reads.
struct Closed {
  Of of = Of::Server;
};

struct Ended {  // the first process has ended
  Of of = Of::Server;
  std::string how;  // `exit code 1`
};

struct Inspected {      // answers Inspect
  std::string problem;  // completes `the spare …`: `listens on port 8001`; empty: nothing was found
};

struct StartFailed {  // StartSpare has failed
  std::string why;
};

struct TimerExpired {                         // answers StartTimer
  std::optional<std::uint64_t> memory_bytes;  // memory that is available; nothing: not known
};

using Event = std::variant<Begun, BackendSeen, RestartRequested, FilesChanged, StartDue, Line,
                           Closed, Ended, Inspected, StartFailed, TimerExpired>;

// ---- effects ------------------------------------------------------------------------------------

// Starts a spare with these variables in addition to those of every process with a gate. Answered
// by StartFailed, or by the events of the process.
struct StartSpare {
  std::vector<std::pair<std::string, std::string>> environment;
  bool operator==(const StartSpare&) const = default;
};

// Looks into the spare's processes. Always the last effect. The next event must be Inspected.
struct Inspect {
  bool operator==(const Inspect&) const = default;
};

// Has the spare compare the files that it has read, because its gate is about to be opened.
struct Compare {
  bool operator==(const Compare&) const = default;
};

// Kills the spare. No more events of it follow.
struct Discard {
  bool operator==(const Discard&) const = default;
};

// Makes the spare the backend, and opens its gate. Its events are those of the server from now on.
struct Promote {
  bool operator==(const Promote&) const = default;
};

struct StartCold {
  std::string because;   // completes `cold: …`; empty without --warm
  bool records = false;  // the process gets a gate, and records what it loads
  bool operator==(const StartCold&) const = default;
};

// Keeps a line of the server for the next supervisord. A `hello` replaces all earlier lines.
struct Remember {
  std::string line;
  bool is_hello = false;
  bool operator==(const Remember&) const = default;
};

// SpareFailed is passed on to the backend's core. Always the last effect.
using Effect = std::variant<StartSpare, Inspect, Compare, Discard, Promote, StartCold, Remember,
                            SpareFailed, Say, StartTimer>;
using Effects = std::vector<Effect>;

}  // namespace hpp::supervisord::spare
