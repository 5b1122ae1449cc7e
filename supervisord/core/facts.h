// Pure. What readers are told about the backend: which fields of its message change together, at
// each turn of its life.
#pragma once

#include <cstdint>
#include <string>

#include "common/bus/messages.h"
#include "supervisord/core/events.h"

namespace hpp::supervisord {

// An earlier supervisord's last message, as this one goes on with it. Requests and tickets of
// proxyd's and of users' were for that one.
bus::BackendState taken_over(const bus::BackendState& last);

// The message has nothing on how the last backend ended.
void forget_end(bus::BackendState& facts);

// A new generation begins, for the newest tree that is known.
void begin_generation(bus::BackendState& facts);

void note_spawn(bus::BackendState& facts, std::int64_t pid, Now now);

// The backend is Running. `answered`: when it gave its first answer.
void note_answer(bus::BackendState& facts, const Answered& event, Now answered);

void note_kill(bus::BackendState& facts);

// The backend's first process has ended.
void note_exit(bus::BackendState& facts, const ProcessExited& event);

void note_failure(bus::BackendState& facts, Now now);

// A step beside the backend has failed: the backend serves the newest tree all the same.
void note_failed_rebuild(bus::BackendState& facts, std::string problem, std::string output_tail);

}  // namespace hpp::supervisord
