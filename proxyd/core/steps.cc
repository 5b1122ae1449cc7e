#include "proxyd/core/steps.h"

#include <array>

namespace hpp::proxyd {
namespace {

using enum Step;

constexpr std::array kReading{ReadRequest};
constexpr std::array kWaiting{ReportClientEnd};
constexpr std::array kSent{PumpRequest, ReadResponse, ReportClientEnd};
constexpr std::array kAnswering{PumpRequest, PumpResponse, ReportClientEnd};
constexpr std::array kTunnel{PumpTunnel};
constexpr std::array kFinishing{Drain};

// Whether bytes of the request's body have arrived that the backend can still be given. An
// incomplete chunk line at the end of the connection does not count, because it can never be
// forwarded.
bool body_may_go_on(const Wires& wires) {
  if (wires.request_is_held) return true;
  if (wires.request_is_over || !wires.client_has_input) return false;
  return !wires.backend_is_open || wires.backend_is_full;
}

}  // namespace

std::span<const Step> steps_in(Phase phase) {
  switch (phase) {
    case Phase::Reading:
      return kReading;
    case Phase::Held:
    case Phase::Lost:
      return kWaiting;
    case Phase::Sent:
      return kSent;
    case Phase::Answering:
      return kAnswering;
    case Phase::Tunnel:
      return kTunnel;
    case Phase::Finishing:
      return kFinishing;
    case Phase::Ending:
    case Phase::Closed:
      return {};
  }
  return {};
}

bool is_possible(Step step, const Wires& wires) {
  switch (step) {
    case ReadRequest:
      // Each request causes an answer. While the client does not read its answers, hpp reads no
      // more requests.
      return !wires.client_is_full;
    case PumpRequest:
      return wires.backend_is_open && !wires.request_is_over;
    case ReadResponse:
      // Heads, including those of interim answers, are not read while the client does not read.
      return wires.backend_is_open && !wires.client_is_full;
    case PumpResponse:
    case PumpTunnel:
      return wires.backend_is_open;
    case ReportClientEnd:
    case Drain:
      return true;
  }
  return false;
}

std::optional<Event> request_head_missing(const HeadResult& result, std::string_view text,
                                          const Wires& wires) {
  if (const auto* refused = std::get_if<Refused>(&result)) {
    return RequestRefused{
        .status = refused->status, .why = refused->why, .facts = facts_of_refused(text)};
  }
  if (wires.client_ended) return ClientEnded{};
  if (text.empty()) return std::nullopt;
  return RequestBegun{.facts = facts_of_refused(text)};
}

std::optional<Event> request_pumped(Pumped pumped, const std::string& error) {
  switch (pumped) {
    case Pumped::MayGoOn:
      return std::nullopt;
    case Pumped::Over:
      return RequestBodyEnded{};
    case Pumped::Broken:
      return RequestBodyBroken{.why = error};
  }
  return std::nullopt;
}

std::optional<Event> response_head_read(const HeadResult& result, const ResponseHead& head,
                                        const RequestFacts& request, std::size_t size,
                                        const Wires& wires) {
  if (std::holds_alternative<NeedMore>(result)) return response_head_missing(wires);
  if (const auto* refused = std::get_if<Refused>(&result)) {
    return ResponseRefused{.why = refused->why};
  }
  auto judged = judge_response(head, request);
  if (const auto* refused = std::get_if<Refused>(&judged)) {
    return ResponseRefused{.why = refused->why};
  }
  const std::size_t head_size = std::get<HeadRead>(result).size;
  return ResponseArrived{
      .facts = std::get<ResponseFacts>(judged), .size = head_size, .body_begun = size > head_size};
}

std::optional<Event> response_head_missing(const Wires& wires) {
  if (!wires.backend_ended) return std::nullopt;
  return UpstreamLost{};
}

std::optional<Event> response_kept(const ResponseFacts& facts, const Wires& wires) {
  if (!wires.backend_ended) return std::nullopt;
  if (facts.framing == Framing::UntilClose) return ResponseEndedByClose{};
  return UpstreamLost{};
}

std::optional<Event> response_pumped(Pumped pumped, const std::string& error, const Wires& wires) {
  if (pumped == Pumped::Over) return ResponseBodyEnded{};
  if (pumped == Pumped::Broken) return ResponseRefused{.why = error};
  // If the client has room, the rest of the input is an incomplete chunk line, which is no reason
  // to wait.
  const bool is_stuck = wires.client_is_full || wires.response_is_held;
  if (is_stuck || !(wires.backend_ended || wires.backend_is_broken)) return std::nullopt;
  if (wires.backend_is_broken || !wires.response_may_close) return UpstreamLost{};
  return ResponseEndedByClose{};
}

// The client's FIN counts only after the bytes that precede it were forwarded, so that a body which
// the backend can still take is not truncated. A held request does not wait for its bytes to be
// read: its place in the queue is free as soon as its client has gone.
std::optional<Event> client_ended(const Connection& connection, const Wires& wires) {
  const bool is_held = connection.phase() == Phase::Held;
  const bool has_ended = wires.client_ended || (is_held && wires.client_end_in_sight);
  if (connection.request()->knows_client_end() || !has_ended) return std::nullopt;
  if (!is_held && body_may_go_on(wires)) return std::nullopt;
  return ClientEnded{};
}

// Bytes that arrived before the connection broke may still be on their way to the client.
std::optional<Event> backend_broken(const Connection& connection, const Wires& wires,
                                    UpstreamLost lost) {
  const bool has_more =
      wires.backend_is_open && (wires.backend_has_input || wires.response_is_held);
  if (has_more && connection.phase() == Phase::Answering) return std::nullopt;
  return lost;
}

}  // namespace hpp::proxyd
