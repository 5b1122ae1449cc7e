// Pure. Decides which step the shell of a client connection tries next, and which event the
// connection gets for its outcome.
//
// The shell moves bytes. Whenever something has happened, it tries the steps of the connection's
// phase in this order, until none of them yields an event:
//
//   Reading          ReadRequest
//   Held, Lost       ReportClientEnd
//   Sent             PumpRequest, ReadResponse, ReportClientEnd
//   Answering        PumpRequest, PumpResponse, ReportClientEnd
//   Tunnel           PumpTunnel
//   Finishing        Drain
//
// The order matters. The bytes before a client's FIN are forwarded before the FIN counts, and an
// answer that has already arrived is read before the client counts as gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxyd/core/connection.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"

namespace hpp::proxyd {

enum class Step : std::uint8_t {
  ReadRequest,      // read a request's head
  PumpRequest,      // give the backend the bytes of the request's body that have come
  ReadResponse,     // read an answer's head
  PumpResponse,     // give the client the bytes of the answer's body that have come
  PumpTunnel,       // give each side the bytes that the other side has sent
  ReportClientEnd,  // report to the connection that the client has ended its side
  Drain,            // discard the client's bytes, and close when it is time (farewell.h)
};

std::span<const Step> steps_in(Phase phase);

// The outcome of moving the bytes of a body.
enum class Pumped : std::uint8_t {
  MayGoOn,  // all bytes that can be moved now have been moved
  Over,     // the body has ended
  Broken,   // the body's framing is invalid
};

// The state of both connections now.
struct Wires {
  bool client_has_input = false;  // no step has taken these bytes yet
  bool client_ended = false;      // the client's FIN was read; all earlier bytes are in its input
  bool client_end_in_sight = false;  // the client's FIN has come, perhaps after unread bytes
  bool client_is_full = false;       // the client does not read, and its output buffer is full
  bool backend_is_open = false;      // there is an established connection to the backend
  bool backend_has_input = false;
  bool backend_ended = false;
  bool backend_is_broken = false;
  bool backend_is_full = false;
  bool request_is_over = false;     // all of the request's body has been given to the backend
  bool request_is_held = false;     // a pipe holds bytes of the request's body
  bool response_is_held = false;    // a pipe holds bytes of the answer's body
  bool response_may_close = false;  // the end of the connection may be the end of the answer
};

// Whether the step can do anything now.
bool is_possible(Step step, const Wires& wires);

// Tries the steps of the phase until one yields an event, and returns whether one did. If none did,
// nothing can be done until the next callback. `shell` has look(), and a function for each step
// that returns whether the step has yielded an event.
template <class Shell>
bool try_steps(Phase phase, Shell&& shell) {
  const auto yields_event = [&](Step step, const Wires& wires) {
    switch (step) {
      case Step::ReadRequest:
        return shell.read_request(wires);
      case Step::PumpRequest:
        return shell.pump_request();
      case Step::ReadResponse:
        return shell.read_response(wires);
      case Step::PumpResponse:
        return shell.pump_response();
      case Step::PumpTunnel:
        return shell.pump_tunnel();
      case Step::ReportClientEnd:
        return shell.report_client_end(wires);
      case Step::Drain:
        return shell.drain();
    }
    return false;
  };
  std::optional<Wires> wires;
  for (const Step step : steps_in(phase)) {
    if (!wires) wires = shell.look();
    if (!is_possible(step, *wires)) continue;
    if (yields_event(step, *wires)) return true;
    wires.reset();  // the step may have moved bytes
  }
  return false;
}

// ---- the events of the outcomes; nothing if there is no event yet ------------------------------

// `text`: the bytes of the head that have come.
std::optional<Event> request_head_missing(const HeadResult& result, std::string_view text,
                                          const Wires& wires);

std::optional<Event> request_pumped(Pumped pumped, const std::string& error);

// `size`: the number of bytes that have come, including the head.
std::optional<Event> response_head_read(const HeadResult& result, const ResponseHead& head,
                                        const RequestFacts& request, std::size_t size,
                                        const Wires& wires);

// The answer's head has not come, or is incomplete.
std::optional<Event> response_head_missing(const Wires& wires);

// The answer's head has come, and the connection keeps it back.
std::optional<Event> response_kept(const ResponseFacts& facts, const Wires& wires);

std::optional<Event> response_pumped(Pumped pumped, const std::string& error, const Wires& wires);

std::optional<Event> client_ended(const Connection& connection, const Wires& wires);

// The connection to the backend broke, or could not be made.
std::optional<Event> backend_broken(const Connection& connection, const Wires& wires,
                                    UpstreamLost lost);

}  // namespace hpp::proxyd
