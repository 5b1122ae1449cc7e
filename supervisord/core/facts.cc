#include "supervisord/core/facts.h"

#include <algorithm>
#include <utility>

#include "supervisord/core/wording.h"

namespace hpp::supervisord {
namespace {

// The exit code with which sh(1) and env(1) report that there is no such program.
constexpr int kNotFoundCode = 127;

bus::Failure failure_of(const ExitStatus& status) {
  if (!status.is_known || status.by_signal) return bus::Failure::Crashed;
  if (status.number == kNotFoundCode) return bus::Failure::CommandNotFound;
  return status.number == 0 ? bus::Failure::Ended : bus::Failure::Crashed;
}

}  // namespace

bus::BackendState taken_over(const bus::BackendState& last) {
  bus::BackendState facts = last;
  facts.answers = {};
  facts.delay.clear();
  facts.restarts_asked = facts.restarts_done = 0;
  return facts;
}

bool is_new_request(const bus::BackendState& facts, const bus::Ticket& ticket) {
  return ticket.epoch != 0 && !facts.restart_accepted.covers(ticket);
}

bool accept_request(bus::BackendState& facts, const RestartRequested& event) {
  const bool is_signal = event.ticket.epoch == 0;
  if (!is_signal && !is_new_request(facts, event.ticket)) return false;
  if (!is_signal) facts.restart_accepted = event.ticket;
  ++facts.restarts_asked;
  return true;
}

bool accept_pause(bus::BackendState& facts, const bus::Ticket& ticket) {
  if (ticket.epoch == 0) return true;
  if (facts.pause_accepted.covers(ticket)) return false;
  facts.pause_accepted = ticket;
  return true;
}

std::string request_text(const RestartRequested& event) {
  return event.ticket.epoch == 0 ? kRequestedBySignal : kRequestedByBrowser;
}

void forget_end(bus::BackendState& facts) {
  facts.ended_at_ms = 0;
  facts.exit.reset();
  facts.failure = bus::Failure::None;
  facts.error.reset();
  facts.output_tail.clear();
  facts.problem.clear();
  facts.retry.pause_ms = 0;
}

void begin_generation(bus::BackendState& facts) {
  ++facts.generation;
  facts.state = bus::BackendPhase::Loading;
  facts.serves = facts.seen;
  facts.noted = {};
  facts.pid = 0;
  facts.spawned_at_ms = 0;
  facts.ready_at_ms = 0;
  facts.address.clear();
  facts.stranger.clear();
  facts.delay.clear();
  facts.announced = false;
  facts.start = {.cold_because = {}, .cold_ms = facts.start.cold_ms};
  forget_end(facts);
}

void note_paused_change(bus::BackendState& facts) {
  facts.noted = facts.seen;
}

void note_spawn(bus::BackendState& facts, const Spawned& event, Now now) {
  facts.state = bus::BackendPhase::Loading;
  facts.pid = event.pid;
  facts.start.is_warm = event.is_warm;
  facts.start.cold_because = event.cold_because;
  facts.restarts_done = facts.restarts_asked;
  facts.spawned_at_ms = now.wall_ms;
}

void note_announcement(bus::BackendState& facts) {
  facts.announced = true;
  facts.delay.clear();
}

void note_answer(bus::BackendState& facts, const Answered& event, Now answered) {
  facts.state = bus::BackendPhase::Running;
  facts.delay.clear();
  facts.ready_at_ms = answered.wall_ms;
  if (!facts.start.is_warm) {
    facts.start.cold_ms = std::max<std::int64_t>(0, facts.ready_at_ms - facts.spawned_at_ms);
  }
  facts.address = event.address;
  facts.stranger = event.stranger;
}

void note_kill(bus::BackendState& facts) {
  facts.state = bus::BackendPhase::Killing;
  facts.noted = {};
  facts.delay.clear();
  forget_end(facts);
}

void note_exit(bus::BackendState& facts, const ProcessExited& event) {
  facts.exit.emplace();
  if (event.status.is_known) {
    (event.status.by_signal ? facts.exit->signal : facts.exit->code) = event.status.number;
  }
  facts.failure = failure_of(event.status);
  facts.error = event.error;
  facts.output_tail = event.output_tail;
  facts.problem = exit_problem(event, facts.command.front());
}

void note_failure(bus::BackendState& facts, Now now) {
  facts.ended_at_ms = now.wall_ms;
  facts.state = bus::BackendPhase::Error;
  facts.delay.clear();
  facts.restarts_done = facts.restarts_asked;
  facts.pid = 0;
}

void note_failed_step(bus::BackendState& facts, const StepEnded& event, std::string problem) {
  facts.failure = bus::Failure::BuildFailed;
  facts.error = event.error;
  facts.problem = std::move(problem);
  facts.output_tail = event.output_tail;
}

void note_failed_rebuild(bus::BackendState& facts, const StepEnded& event, std::string problem) {
  facts.restarts_done = facts.restarts_asked;
  facts.serves = facts.seen;
  facts.noted = {};
  note_failed_step(facts, event, std::move(problem));
}

}  // namespace hpp::supervisord
