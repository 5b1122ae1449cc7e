// Pure. Decides when the next process of the backend's command, the spare, is started and thrown
// away, and whether a start of the backend is warm (--warm, docs/gate.rst).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/emits.h"
#include "supervisord/core/gate_line.h"
#include "supervisord/core/spare_events.h"

namespace hpp::supervisord {

// How long the backend must have been Running before a spare is started, so that the spare does not
// compete with the page that the save was made for.
constexpr std::chrono::milliseconds kSpareQuiet{300};

// How long a spare may take until it is ready.
constexpr std::chrono::milliseconds kReadyMax{30'000};

// How long a process may take from `open` to `go`, in which it compares the files that it has
// loaded. After that, a cold start is quicker.
constexpr std::chrono::milliseconds kGoMax{2'000};

// The pause after a spare that has failed.
constexpr std::chrono::milliseconds kAfterFailure{2'000};

// After this many failures in a row, hpp starts no spares any longer.
constexpr int kFailuresMax = 3;

// A spare is started, and kept, only while this much memory is available.
constexpr std::uint64_t kMemoryMin = 256 * 1024 * 1024;  // bytes
constexpr std::chrono::milliseconds kMemoryEvery{5'000};

// The variables that an adapter may ask for (`env`).
constexpr std::size_t kEnvMax = 16;

// After so many warm starts in a row that have crashed before they answered, a start is cold. That
// shows whether the program itself crashes.
constexpr int kWarmCrashesMax = 2;

// After so many variables that were set too late (`variable`), another one counts as a failure.
constexpr std::size_t kVariablesMax = 64;

// A start without --warm that takes longer than this is worth a hint.
constexpr std::chrono::milliseconds kHintAbove{300};

// ---- the spare's life ---------------------------------------------------------------------------
//
//                ┌────────────────────── fails, or is not needed ──────┐
//                ▼                                 │                   │
//     Off ◄─── None ───quiet, memory──────────► Starting ──ready──► Ready
//      ▲        ▲                                                      │ a start is due
//      │        └──go, cold, fails, or the backend is killed── Opened ◄┘
//      └── None after the third failure in a row; every state when the backend is stopped
//
// Off       hpp starts no spares: --warm is not set or has no effect, three spares in a row have
//           failed, the command must not be started as a spare, or hpp ends.
// None      There is no spare. A spare is started when the backend has been Running, or has been in
//           Error, for kSpareQuiet, has said `hello` at its gate, and enough memory is available.
// Starting  The spare loads what the last process has loaded.
// Ready     The spare waits at its gate. Its processes were inspected: none listens on a port, and
//           none has a file of the project open.
// Opened    The gate was opened, so the process is the backend now, but has not answered `go` yet.
//           If it answers `cold`, ends or takes too long, the backend is started again, cold.
//
// A spare that is Ready compares the files that it has read while the old processes are killed,
// which takes as long. If a change is seen meanwhile, it compares them again. It does so, too, if
// anything else has come between the kill and the start, such as --build.
//
// A process that has gone on may say that it has set a variable which a module of the spare had
// read before (`variable`). If it does not answer requests yet, it is started again, cold.
// Afterwards it goes on: its user has seen it run, and the variable would hardly be set so late for
// that module. An adapter has noted the variable, so the same one is no reason again. If it is
// nevertheless, the spare has failed.
//
// A start is also cold if a changed file, at any depth, is one that a wrapper may have read before
// the gate (file_marks.h): `. conf/dev.env` in a script.
//
// If the user requests a restart, it is cold: the reason may be one that no guard knows.
//
// A spare fails if it ends, closes its gate, says something unexpected, is not ready within
// kReadyMax, or does not pass the inspection. Failures are in a row if no warm start has answered
// between them.
class Spare : private Emits<spare::Effect> {
 public:
  enum class State { Off, None, Starting, Ready, Opened };

  struct Settings {
    bool is_wanted = false;       // --warm
    bool is_interactive = false;  // --interactive: a spare would have to share the keyboard
    std::string language;         // the language of the command if there is an adapter for it
  };

  explicit Spare(Settings settings);

  // Handles one event. The effects must be performed in order.
  [[nodiscard]] spare::Effects on(const spare::Event& event);

  State state() const { return state_; }

 private:
  void handle(const spare::Begun& event);
  void handle(const spare::BackendSeen& event);
  void handle(const RestartRequested& event);
  void handle(const spare::FilesChanged& event);
  void handle(const spare::StartDue& event);
  void handle(const spare::Line& event);
  void handle(const spare::Closed& event);
  void handle(const spare::Ended& event);
  void handle(const spare::Inspected& event);
  void handle(const spare::StartFailed& event);
  void handle(const spare::TimerExpired& event);

  void on_spare_line(const gate::Line& line, const std::string& text);
  void on_server_line(const gate::Line& line, const std::string& text);
  void on_opened_line(const gate::Line& line, const std::string& text);
  void on_variable(const gate::Variable& line);
  void start_spare(const spare::TimerExpired& event);
  void hint();

  // Whether the backend leaves the machine to a spare.
  bool is_quiet() const {
    return backend_ == Backend::State::Running || backend_ == Backend::State::Error;
  }

  bool has_spare() const { return state_ == State::Starting || state_ == State::Ready; }

  void compare_early(const spare::BackendSeen& event);
  void await_quiet();
  void discard(std::string because);
  void fail(const std::string& why);
  void fail_opened(const std::string& why);
  void restart_cold(std::string because);
  void count_failure(const std::string& why);
  void give_up(const std::string& why);

  Settings settings_;
  State state_ = State::Off;
  Backend::State backend_ = Backend::State::Starting;
  std::uint64_t generation_ = 0;      // the backend's generation
  std::chrono::milliseconds cold_{};  // how long its last cold start took
  bool is_warm_ = false;              // the backend is a spare whose gate was opened
  bool server_said_hello_ = false;    // the last cold start has recorded what it loads
  bool spare_said_hello_ = false;
  std::vector<std::pair<std::string, std::string>> environment_;  // what the adapter asks for
  std::string cold_because_;  // completes `cold: …`, for the next start without a spare
  bus::TreePoint changes_;    // up to which changes are known
  std::string changed_;       // why a change since the spare's start makes the next start cold
  std::optional<bus::TreePoint> compared_at_;  // `seen` when Compare was sent; nothing: not sent
  int failures_ = 0;                           // in a row
  int warm_crashes_ = 0;             // how often the backend has crashed after a warm start
  std::set<std::string> variables_;  // have been the reason of a cold start
  bool is_requested_ = false;        // the user has requested the next start
  bool has_advised_ = false;         // the hint, or that the command has not used its gate
};

}  // namespace hpp::supervisord
