// Pure. The fields of the backend's snapshot: which ones change together at each event of its life.
#pragma once

#include <cstdint>
#include <string>

#include "common/bus/messages.h"
#include "supervisord/core/events.h"

namespace hpp::supervisord {

// Returns the snapshot with which this supervisord continues an earlier one's `last`. Restart
// requests and liveness checks are cleared, because they were addressed to the earlier one.
bus::BackendState taken_over(const bus::BackendState& last);

// Whether the ticket asks for a restart that has not been accepted.
bool is_new_request(const bus::BackendState& facts, const bus::Ticket& ticket);

// Counts the request. Returns false if it is a repetition.
bool accept_request(bus::BackendState& facts, const RestartRequested& event);

// Records the request to begin or end a pause. Returns false if it is a repetition.
bool accept_pause(bus::BackendState& facts, const bus::Ticket& ticket);

// Returns `restart requested (browser)`.
std::string request_text(const RestartRequested& event);

// The values of request_text().
constexpr const char* kRequestedBySignal = "restart requested (SIGHUP)";
constexpr const char* kRequestedByBrowser = "restart requested (browser)";

// Clears the fields about the end of the last backend.
void forget_end(bus::BackendState& facts);

// Begins a new generation, which serves the newest known tree.
void begin_generation(bus::BackendState& facts);

// A change of the newest known tree is only noted, because of a pause.
void note_paused_change(bus::BackendState& facts);

void note_spawn(bus::BackendState& facts, const Spawned& event, Now now);

// The backend has said that it is ready, but has not answered yet.
void note_announcement(bus::BackendState& facts);

// The backend is Running. `answered` is the time of its first answer.
void note_answer(bus::BackendState& facts, const Answered& event, Now answered);

// The backend is being killed. The next one serves all changes.
void note_kill(bus::BackendState& facts);

// The backend's first process has ended.
void note_exit(bus::BackendState& facts, const ProcessExited& event);

void note_failure(bus::BackendState& facts, Now now);

// A step before the start of the backend has failed.
void note_failed_step(bus::BackendState& facts, const StepEnded& event, std::string problem);

// A step beside the backend has failed. The backend is declared to serve the newest tree, so that
// requests are not held any longer.
void note_failed_rebuild(bus::BackendState& facts, const StepEnded& event, std::string problem);

}  // namespace hpp::supervisord
