// Pure. Lists the fields of each message, and of each object in a message, once. `Io` has a
// function field() for each type: it writes, reads or limits a field (codec.cc, codec_limits.cc).
#pragma once

#include <concepts>
#include <type_traits>

#include "common/bus/messages.h"

namespace hpp::bus {

template <class Part, class Wanted>
concept IsPart = std::same_as<std::remove_const_t<Part>, Wanted>;

template <class Io, IsPart<TreePoint> Part>
void part_fields(Io& io, Part& point) {
  io.field("epoch", point.epoch);
  io.field("revision", point.revision);
}

template <class Io, IsPart<Ticket> Part>
void part_fields(Io& io, Part& ticket) {
  io.field("epoch", ticket.epoch);
  io.field("number", ticket.number);
}

template <class Io, IsPart<Refresh> Part>
void part_fields(Io& io, Part& refresh) {
  io.field("count", refresh.count);
  io.field("css", refresh.css);
  io.field("css_count", refresh.css_count);
  io.field("reload", refresh.reload);
  io.field("reload_count", refresh.reload_count);
}

template <class Io, IsPart<Cause> Part>
void part_fields(Io& io, Part& cause) {
  io.field("text", cause.text);
  io.field("changed", cause.changed);
  io.field("at_ms", cause.at_ms);
}

template <class Io, IsPart<Start> Part>
void part_fields(Io& io, Part& start) {
  io.field("warm", start.is_warm);
  io.field("cold_because", start.cold_because);
  io.field("cold_ms", start.cold_ms);
}

template <class Io, IsPart<Retry> Part>
void part_fields(Io& io, Part& retry) {
  io.field("tries", retry.tries);
  io.field("most", retry.most);
  io.field("pause_ms", retry.pause_ms);
}

template <class Io, IsPart<ErrorFrame> Part>
void part_fields(Io& io, Part& frame) {
  io.field("file", frame.file);
  io.field("line", frame.line);
  io.field("column", frame.column);
  io.field("foreign", frame.is_foreign);
  io.field("output_line", frame.output_line);
  io.field("output_lines", frame.output_lines);
}

template <class Io, IsPart<BackendError> Part>
void part_fields(Io& io, Part& error) {
  io.field("message", error.message);
  io.field("file", error.file);
  io.field("line", error.line);
  io.field("column", error.column);
  io.field("foreign", error.is_foreign);
  io.field("source", error.source);
  io.field("source_line", error.source_line);
  io.field("frames", error.frames);
}

template <class Io, class State>
void stamp_fields(Io& io, State& state) {
  io.field("epoch", state.stamp.epoch);
  io.field("sequence", state.stamp.sequence);
}

template <class Io, IsPart<TreeState> State>
void fields_of(Io& io, State& state) {
  stamp_fields(io, state);
  io.field("revision", state.revision);
  io.field("clock", state.clock);
  io.field("watching", state.watching);
  io.field("problem", state.problem);
  io.field("changed", state.changed);
  io.field("changed_count", state.changed_count);
  io.later_field("refresh", state.refresh);
  io.later_field("directory", state.directory);
  io.later_field("directory_id", state.directory_id);
  io.later_field("other_roots", state.other_roots);
  io.field("answers", state.answers);
  io.field("settling", state.settling);
  io.later_field("lag_ms", state.lag_ms);
}

template <class Io, IsPart<BackendState> State>
void fields_of(Io& io, State& state) {
  stamp_fields(io, state);
  io.field("state", state.state);
  io.field("generation", state.generation);
  io.field("pid", state.pid);
  io.field("command", state.command);
  io.field("serves", state.serves);
  io.field("seen", state.seen);
  io.field("spawned_at_ms", state.spawned_at_ms);
  io.field("ready_at_ms", state.ready_at_ms);
  io.field("exit", state.exit);
  io.later_field("failure", state.failure);
  io.later_field("error", state.error);
  io.field("output_tail", state.output_tail);
  io.field("problem", state.problem);
  io.later_field("delay", state.delay);
  io.later_field("restarts_asked", state.restarts_asked);
  io.later_field("restarts_done", state.restarts_done);
  io.later_field("restart_accepted", state.restart_accepted);
  io.later_field("pause_accepted", state.pause_accepted);
  io.field("answers", state.answers);
  io.later_field("cause", state.cause);
  io.later_field("start", state.start);
  io.later_field("killed_at_ms", state.killed_at_ms);
  io.later_field("ended_at_ms", state.ended_at_ms);
  io.later_field("address", state.address);
  io.later_field("stranger", state.stranger);
  io.later_field("announced", state.announced);
  io.later_field("paused", state.paused);
  io.later_field("retry", state.retry);
  io.later_field("noted", state.noted);
}

template <class Io, IsPart<ProxyState> State>
void fields_of(Io& io, State& state) {
  stamp_fields(io, state);
  io.field("listening", state.listening);
  io.later_field("url", state.url);
  io.field("clients", state.clients);
  io.field("held", state.held);
  io.field("forwarded", state.forwarded);
  io.field("replayed", state.replayed);
  io.field("problem", state.problem);
  io.field("asks", state.asks);
  io.renamed_field("liveness_check", "doubts", state.liveness_check);
  io.renamed_field("released", "let_go", state.released);
  io.later_field("restart", state.restart);
  io.later_field("pause", state.pause);
  io.later_field("pauses", state.pauses);
  io.later_field("crash_generation", state.crash_generation);
  io.later_field("crash_requests", state.crash_requests);
}

}  // namespace hpp::bus
