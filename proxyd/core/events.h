// Pure. What happens to a client connection and its request (Event), and what the shell must do
// (Effect).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/time_point.h"
#include "proxyd/core/access.h"
#include "proxyd/core/effect_list.h"
#include "proxyd/core/gate.h"
#include "proxyd/core/http/head.h"
#include "proxyd/core/http/rewrite.h"
#include "proxyd/core/own_endpoints.h"

namespace hpp::proxyd {

// Where a connection stands (connection.h). A request goes through the phases from Held to Tunnel
// (request.h); in the other phases, no request is under way.
enum class Phase {
  Reading,    // the connection waits for a request, or for the rest of its head
  Held,       // the request waits at the gate
  Sent,       // a backend connection has the request
  Lost,       // that connection is gone
  Answering,  // the answer flows
  Ending,     // the answer has ended with the backend's connection
  Tunnel,     // bytes flow in both directions
  Finishing,  // the last answer is being written
  Closed,     // the connection has ended
};

std::string_view to_string(Phase phase);

// ---- events -------------------------------------------------------------------------------------

// A part of a request's head has arrived.
struct RequestBegun {
  RequestFacts facts;  // as far as the head is known
};

struct RequestArrived {
  RequestFacts facts;
  std::uint64_t ticket = 0;       // barrier.h
  std::optional<OwnRequest> own;  // a request for hpp itself; nothing: for the backend
};

// The head of a request is not acceptable.
struct RequestRefused {
  int status = 400;
  std::string why;
  RequestFacts facts;           // as far as the head is known
  std::string_view allow = {};  // status 405: the methods that are allowed
  std::optional<Notice> notice = {};
};

// The backend's connection has been given the whole body.
struct RequestBodyEnded {};

// The framing of the request's body is wrong.
struct RequestBodyBroken {
  std::string why;
};

// The client's FIN has arrived, and all bytes before it have been passed on. The shell reports it
// again for each request that precedes the FIN.
struct ClientEnded {};

// The client has reset its connection, or writing to it has failed.
struct ClientBroken {};

using Judged = Judgement;  // the gate's answer to AskGate

struct UpstreamOpened {
  bool reused = false;  // the connection has served another request before
};

// The head of an answer has arrived. If keeps_head() is true afterwards, the shell must report the
// head again when something of the body has arrived, and after TimerExpired.
struct ResponseArrived {
  ResponseFacts facts;
  std::size_t size = 0;    // bytes of the head
  bool body_begun = true;  // bytes have arrived behind the head
};

// The head or the framing of an answer is not acceptable.
struct ResponseRefused {
  std::string why;
};

// The client's connection has been given the whole answer.
struct ResponseBodyEnded {};

// The client's connection has been given all bytes of an answer that ends with the backend's
// connection, and that connection has ended. Either the answer is complete, or a kill has cut it.
struct ResponseEndedByClose {};

// The backend's connection could not be made, has ended or was reset before the answer was
// complete.
struct UpstreamLost {
  std::string why;        // why it could not be made, as a clause; empty if unknown
  bool is_short = false;  // hpp or the machine lacks a resource, so the backend is not the cause
};

// Both sides of a tunnel have sent a FIN, and all bytes before have been passed on.
struct TunnelEnded {};

// wake_at() has come.
struct TimerExpired {
  // Bytes of the answer have moved since the last time, or wait for the client to read them.
  bool answer_flows = false;
  // In Reading: bytes of the next request have arrived that were not read yet.
  bool request_comes = false;
};

using Event = std::variant<RequestBegun, RequestArrived, RequestRefused, RequestBodyEnded,
                           RequestBodyBroken, ClientEnded, ClientBroken, Judged, UpstreamOpened,
                           ResponseArrived, ResponseRefused, ResponseBodyEnded,
                           ResponseEndedByClose, UpstreamLost, TunnelEnded, TimerExpired>;

// ---- effects ------------------------------------------------------------------------------------

// Ask the gate to judge query(), and report Judged.
struct AskGate {
  bool operator==(const AskGate&) const = default;
};

// Take a connection to the backend and send the request's head.
struct ForwardRequest {
  // The request cannot be repeated, or is being repeated. Only a connection that judge_reuse()
  // allows for such a request may be taken.
  bool fresh = false;

  bool operator==(const ForwardRequest&) const = default;
};

// Close the backend's connection, whatever it is doing.
struct DropUpstream {
  bool operator==(const DropUpstream&) const = default;
};

// Return the backend's connection to the pool, because the answer is complete.
struct ReleaseUpstream {
  bool keeps_alive = true;  // false: the backend has announced that it closes the connection
  // The answer has no body, because of its request or its status. Some servers send one all the
  // same (reuse.h).
  bool body_may_follow = false;

  bool operator==(const ReleaseUpstream&) const = default;
};

// Write the head of the answer to the client.
struct PassResponseHead {
  ResponseFacts facts;
  Delivery delivery;
  // The end of the connection is the end of the answer. Until FinishClient, each close of the
  // client's connection must be a reset, even that of a killed process.
  bool ends_by_close = false;

  bool operator==(const PassResponseHead&) const = default;
};

// Tell the client that the answer is complete, if the framing has a way to say so.
struct EndResponse {
  bool operator==(const EndResponse&) const = default;
};

// Write an answer of hpp's own.
struct Answer {
  enum class Kind {
    Crashed,
    Unrepeated,
    BadGateway,
    Shortage,
    Refused,
    QueueFull,
    QueueTimeout,
    StillStarting,
    HalfClosed
  };

  Kind kind = Kind::Crashed;
  int status = 503;
  // Refused: what is wrong with the request, as a clause. BadGateway, Shortage, HalfClosed: the
  // whole text. Crashed: the requests that the backend had when it crashed, `GET /x`; the shell
  // sets it.
  std::string why;
  std::string_view allow = {};  // status 405: the methods that are allowed
  bool was_sent = false;        // Crashed: the backend had this request

  bool operator==(const Answer&) const = default;
};

// Write the answer to a request for hpp itself.
struct AnswerOwn {
  OwnEndpoint endpoint = OwnEndpoint::Home;
  std::uint64_t number = 0;  // see OwnRequest

  bool operator==(const AnswerOwn&) const = default;
};

// Give the connection to LiveReload, for a WebSocket handshake with this key.
struct HandOver {
  std::string websocket_key;
  bool is_from_here = false;  // see RequestFacts

  bool operator==(const HandOver&) const = default;
};

// Read the next request.
struct ReadNext {
  bool operator==(const ReadNext&) const = default;
};

// Write what is pending, send a FIN, and wait for the client's FIN.
struct FinishClient {
  bool lingers = true;  // the client may send more; false: close without waiting

  bool operator==(const FinishClient&) const = default;
};

// End the connection so that the client cannot take the answer for complete.
struct CutClient {
  bool reset = false;  // only a reset can show it, because the answer ends with the connection
  std::string why;     // a clause for the log; empty if the client is not waiting for anything

  bool operator==(const CutClient&) const = default;
};

using Effect =
    std::variant<AskGate, ForwardRequest, DropUpstream, ReleaseUpstream, PassResponseHead,
                 EndResponse, Answer, AnswerOwn, HandOver, ReadNext, FinishClient, CutClient>;

// In the order in which the shell must perform them. AskGate is always the last one, because its
// answer, Judged, has effects of its own. Each event returns a list by value: ten thousand idle
// connections must not keep one each.
using Effects = EffectList<Effect, 4>;

}  // namespace hpp::proxyd
