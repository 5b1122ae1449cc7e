// Pure. The wording of the backend's log lines and problems.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.h"
#include "supervisord/core/events.h"
#include "supervisord/core/preparation.h"
#include "supervisord/core/restart_pace.h"

namespace hpp::supervisord {

// The cause of a restart if files changed before watchd's first message or between two messages.
constexpr const char* kNotWatched = "files changed while hpp did not watch them";

// `0.8 ms`, `412 ms`, `12.3 s`
std::string text_of(TimePoint::duration duration);

// The command line, shortened for a log line.
std::string text_of(const std::vector<std::string>& command);

// `src/a.py and 2 more changed`
std::string what_changed(const bus::TreeState& tree);

// `make failed: exit code 2`
std::string failure_text(const std::string& command, const StepEnded& event);

// `./server.py ended with exit code 127: its interpreter …`; empty if only the status is known.
std::string exit_problem(const ProcessExited& event, const std::string& program);

// `port 8001 is in use by pid 1234 (node x.js). End it with kill 1234; hpp starts your server as
// soon as the port is free`
std::string port_text(const PortTaken& event);

// `Error: cannot start ./server: Permission denied; hpp tries again until it can`. `is_port`:
// `because` is a port_text().
Say cannot_start(const std::string& because, bool is_port);

// `pid 1234 (sudo -n ./server) cannot be ended: it belongs to another user. End it with sudo kill
// -9 1234, or run hpp as that user`
std::string refusal_text(const KillRefused& event);

// `app.py:12: NameError: name 'x' is not defined (exit code 1 after 10 ms)`. `end` says how the
// program has ended, and is all if there is no error.
std::string error_first(const std::optional<bus::BackendError>& error, const std::string& end);

// The reason why Running is not published although the server answers, for BackendState::delay.
constexpr const char* kHeldText =
    "the server answers; requests wait for a moment, until it is clear whether it restarts itself";

// The reason why a failure is not published yet, for BackendState::delay.
constexpr const char* kHeldFailureText =
    "the start has failed; the error follows in a moment, when it is clear whether your server "
    "restarts itself";

// The line at the end of a pause in which no file has changed.
constexpr const char* kResumedText = "Resumed: saves restart your server again";

// The cause of the restart at the end of a pause. `files` may be incomplete.
std::string paused_cause(const std::vector<std::string>& files);

// The reason why a start waits, for BackendState::delay.
std::string delay_text(const Pause& pause);

// The reason why there is no answer yet, for BackendState::delay.
std::string delay_text(const Sight& sight);

// `still starting after 5.0 s: your server listens on port 9000, but hpp expects it on …`: what hpp
// sees, and what the user can do. `is_announced`: the time has begun when the server said that it
// is ready.
Say late_line(const Sight& sight, bool is_announced);

// The line that names a process outside the backend's tree to which requests are passed on.
std::string stranger_text(const Answered& event);

// Writes the log lines of a backend's life. It remembers facts from earlier events that a line
// mentions: why the restart began, and when each of its steps began.
class Wording {
 public:
  // `has_keys`: hpp-launch reads keys, so that the user can press r and p.
  explicit Wording(bool has_keys = false) : has_keys_(has_keys) {}

  // The site is at this URL, which a line mentions once.
  void on_site(const std::string& url) { url_ = url; }

  // A restart begins. `since` completes `437 ms after …`; it is empty for the first start.
  void on_restart(std::string since, TimePoint now);

  // The restart needs no kill, so the line about its first step names the cause.
  void on_start_without_kill(const std::string& why) { cause_ = why + ", "; }

  // The kill of the old backend's processes begins.
  void on_kill(TimePoint now) { kill_begun_ = now; }

  // All of these processes are dead.
  void on_killed(TimePoint now);

  // The first step of a preparation begins.
  void on_preparation(TimePoint now);

  // A step has succeeded, and the next one begins.
  void on_step_done(const Step& step, TimePoint now);

  void on_spawn(TimePoint now) { spawned_ = now; }

  // The spawn has succeeded after failed attempts. `port_was_taken` is true if the port was the
  // reason for their failure.
  void on_retry(bool port_was_taken);

  // The restart has ended in Error.
  void on_failure();

  // The line that announces a pause before a start, or gives advice. Consecutive pauses of the same
  // kind get one line. The advice is repeated only if it must cover another file.
  std::optional<Say> pausing(const Pause& pause);

  // The lines at the beginning of a pause: `Paused: saves do not restart your server. …`
  Say paused() const;
  Say manual() const;  // with --manual

  // The line about a change during a pause. `what`: `a.py changed`.
  Say paused_change(const std::string& what) const;

  // `Killing: src/a.py changed`. `is_stop`: hpp ends.
  Say killing(const std::string& why, bool is_stop) const;

  // `Building: src/a.py changed, running make`. The next lines do not repeat the cause.
  Say preparing(const Step& step);

  // `Loading: src/a.py changed, started ./server (generation 2, pid 7), killed the old one in 3 ms`
  Say loading(const bus::BackendState& facts);

  // `Running: generation 2 answers after 412 ms, 437 ms after src/a.py changed`
  // `Running: generation 2 answers after 84 ms (warm; 480 ms cold), 90 ms after src/a.py changed`
  Say running(const Answered& event, const bus::Start& start, TimePoint answered);

  // `Error: … (make failed: exit code 2 after 1.5 s); waiting for a change`. `facts` must describe
  // the failure. While the old backend runs on, the state is Running.
  Say step_failed(const StepEnded& event, const Step& step, const bus::BackendState& facts,
                  TimePoint now) const;

  // `Error: … (exit code 1 after 10 ms, 30 ms after src/a.py changed); waiting for a change`, or
  // `; trying again in 1 s (2 of 3)`. If the backend had answered (`has_run`), the change did not
  // cause its end and is not mentioned.
  Say ended(const ProcessExited& event, const bus::BackendState& facts, bool has_run,
            TimePoint now) const;

  // `Stopped: no process of your server is left after 3 ms`
  Say stopped(TimePoint now) const;

 private:
  std::string since_restart(TimePoint now) const;
  std::string end(const ProcessExited& event, bool has_run, TimePoint now) const;
  bool find_cure(const std::vector<std::string>& files);

  bool has_keys_;
  std::string url_;     // address of the site; empty when a line has mentioned it
  std::string cause_;   // why this restart began; cleared when a line has mentioned it
  std::string killed_;  // how long the kill before this spawn took
  std::string built_;   // how long each step before this spawn took
  std::string since_;   // the event that began this restart; empty for the first start
  TimePoint restart_begun_;
  TimePoint kill_begun_;
  TimePoint step_begun_;
  TimePoint spawned_;
  Pause announced_;                   // the last pause; For::Nothing if there was none
  std::vector<std::string> advised_;  // --exclude globs for all loops so far
};

}  // namespace hpp::supervisord
