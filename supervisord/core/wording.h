// Pure. The wording of the backend's log lines and problems.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/bus/messages.h"
#include "supervisord/core/events.h"
#include "supervisord/core/restart_pace.h"

namespace hpp::supervisord {

// The cause of a restart if files changed before watchd's first message, or between two messages.
constexpr const char* kNotWatched = "files changed while nobody watched";

// `0.8 ms`, `412 ms`, `12.3 s`
std::string text_of(TimePoint::duration duration);

// The command line, shortened for a log line.
std::string text_of(const std::vector<std::string>& command);

// `src/a.py and 2 more changed`
std::string what_changed(const bus::TreeState& tree);

// `make failed: exit code 2`
std::string failure_text(const std::string& build, const BuildEnded& event);

// `./server.py ended with exit code 127: its interpreter …`; empty if only the status is known.
std::string exit_problem(const ProcessExited& event, const std::string& program);

// `port 8001 is in use by pid 1234 (node x.js). End it with kill 1234; hpp starts your server as
// soon as the port is free`
std::string port_text(const PortTaken& event);

// `pid 1234 (sudo -n ./server) cannot be ended: it belongs to another user. End it with sudo kill
// -9 1234, or run hpp as that user`
std::string refusal_text(const KillRefused& event);

// The reason why Running is not published although the server answers, for BackendState::delay.
constexpr const char* kHeldText =
    "the server answers; requests wait for a moment, until it is clear whether it restarts itself";

// The reason why a start waits, for BackendState::delay.
std::string delay_text(const Pause& pause);

// The reason why there is no answer yet, for BackendState::delay.
std::string delay_text(const Sight& sight);

// The line that announces a pause, or gives advice; if `cure` is not
// empty, it says what to do: `--exclude db.sqlite3`.
std::string pause_text(const Pause& pause, const std::string& cure);

// The line that names a process outside the backend's tree whose answers are passed on.
std::string stranger_text(const Answered& event);

}  // namespace hpp::supervisord
