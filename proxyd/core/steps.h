// Pure. Decides which step the shell of a client connection tries next, and which event of the
// exchange its outcome is.
//
// The shell moves bytes. After anything has happened, it takes the steps of the exchange's phase,
// in their order, until none of them brings an event:
//
//   Reading          ReadRequest
//   Held, Doubtful   TellClientEnd
//   Sent             PumpRequest, ReadResponse, TellClientEnd
//   Answering        PumpRequest, PumpResponse, TellClientEnd
//   Tunnel           PumpTunnel
//   Finishing        Drain
//
// The order matters. What a client has sent before its FIN goes on before the FIN counts, and an
// answer that is here already is read before the client is taken to have left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxyd/core/exchange.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/http/parser.h"

namespace hpp::proxyd {

enum class Step : std::uint8_t {
  ReadRequest,    // read a request's head
  PumpRequest,    // give the backend what has come of the request's body
  ReadResponse,   // read the head of an answer
  PumpResponse,   // give the client what has come of the answer's body
  PumpTunnel,     // give each side what the other has sent
  TellClientEnd,  // tell the exchange that the client has ended its side
  Drain,          // throw away what comes, and close when it is time (farewell.h)
};

std::span<const Step> steps_in(Exchange::Phase phase);

// The outcome of moving the bytes of a body.
enum class Pumped : std::uint8_t {
  MayGoOn,  // all that can be moved now is moved
  Over,     // the body has ended
  Broken,   // its framing is wrong
};

// Both connections, as of now.
struct Wires {
  bool client_has_input = false;     // bytes that no step has taken
  bool client_ended = false;         // its FIN has come; what came before is in its input
  bool client_end_in_sight = false;  // its FIN has come, perhaps behind bytes that are not read yet
  bool client_is_full = false;       // the client does not read, and its output buffer is full
  bool backend_is_open = false;      // there is a connection to the backend, and it is made
  bool backend_has_input = false;
  bool backend_ended = false;
  bool backend_is_broken = false;
  bool backend_is_full = false;
  bool request_is_over = false;   // all of the request's body has been given to the backend
  bool request_is_held = false;   // some of it has left the client's input, and not arrived
  bool response_is_held = false;  // some of the answer's body has left the backend's input, and not
                                  // arrived
  bool response_may_close = false;  // the end of the connection is the end of the answer
};

// Whether the step can do anything now.
bool is_possible(Step step, const Wires& wires);

// ---- which event it was: nothing, if nothing has happened yet -----------------------------------

// `text`: what has come of the head.
std::optional<Event> request_head_missing(const HeadResult& result, std::string_view text,
                                          const Wires& wires);

std::optional<Event> request_pumped(Pumped pumped, const std::string& error);

// `size`: how many bytes there are, with the head's own.
std::optional<Event> response_head_read(const HeadResult& result, const ResponseHead& head,
                                        const RequestFacts& request, std::size_t size,
                                        const Wires& wires);

// There is no head, or only a part of one.
std::optional<Event> response_head_missing(const Wires& wires);

// The exchange keeps the head back.
std::optional<Event> response_kept(const ResponseFacts& facts, const Wires& wires);

std::optional<Event> response_pumped(Pumped pumped, const std::string& error, const Wires& wires);

std::optional<Event> client_ended(const Exchange& exchange, const Wires& wires);

// The connection to the backend broke, or could not be made.
std::optional<Event> backend_broken(const Exchange& exchange, const Wires& wires,
                                    UpstreamLost lost);

}  // namespace hpp::proxyd
