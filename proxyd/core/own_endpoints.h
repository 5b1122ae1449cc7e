// Pure. Recognises the requests that hpp answers itself, and decides which clients may send them.
//
// All but one are below `/__hpp/`. The answers contain the developer's file names and commands, so
// only the developer may get them. Any web page in the developer's browser can send requests to
// this machine. The same-origin policy keeps it from reading the answers. It can get around that if
// its own name resolves to this machine (DNS rebinding), but then Host has that name, and hpp
// refuses the request. WebSockets have no same-origin policy, so hpp checks their Origin. A page
// may also send a POST to another origin without reading the answer, so hpp accepts a POST, which
// changes something, only from its own pages and from programs that are no browser.
#pragma once

#include <string>
#include <variant>

#include "common/address.h"
#include "proxyd/core/http/head.h"

namespace hpp::proxyd {

enum class OwnEndpoint {
  Home,              // `/__hpp/`, for people
  Status,            // `/__hpp/status`: the three snapshots of the bus, and defects of answers
  History,           // `/__hpp/history`: the last starts of the backend
  Log,               // `/__hpp/log?after=N`: the output after line N (pages/output_lines.h)
  Requests,          // `/__hpp/requests`: the kept requests (request_records.h)
  Archive,           // `/__hpp/requests.har`: the same as an HTTP Archive
  Request,           // `/__hpp/requests/N`: one of them, with its fields and body
  SendAgain,         // POST `/__hpp/requests/N/send`: sends it again
  Repeat,            // POST `/__hpp/requests/N/repeat`: sends it again after each restart
  SendOnce,          // POST `/__hpp/requests/N/once`: ends that
  Wait,              // `/__hpp/wait`: answered when the backend serves all saves made before, or
                     // has failed
  Restart,           // POST `/__hpp/restart`: restarts the backend
  LiveReload,        // `/__hpp/livereload`, a WebSocket
  LiveReloadScript,  // `/__hpp/livereload.js`
  Options,           // OPTIONS with `Max-Forwards: 0`, for any target
};

struct OwnRequest {
  OwnEndpoint endpoint = OwnEndpoint::Home;
  std::string websocket_key = {};  // for LiveReload
  std::uint64_t number = 0;        // the N of the paths above

  bool operator==(const OwnRequest&) const = default;
};

// Whether the request waits at the gate like one for the backend. hpp answers it when the gate
// would forward it.
constexpr bool waits_at_gate(OwnEndpoint endpoint) {
  return endpoint == OwnEndpoint::Wait;
}

// Whether the endpoint changes something, and so accepts only POST.
constexpr bool is_action(OwnEndpoint endpoint) {
  return endpoint == OwnEndpoint::Restart || endpoint == OwnEndpoint::SendAgain ||
         endpoint == OwnEndpoint::Repeat || endpoint == OwnEndpoint::SendOnce;
}

struct NotOwn {  // the request is for the backend
  bool operator==(const NotOwn&) const = default;
};

// `peer_is_local`: whether the client has a loopback address. `bind`: where this proxy listens.
std::variant<NotOwn, OwnRequest, Refused> judge_own(const RequestHead& head,
                                                    const RequestFacts& facts, bool peer_is_local,
                                                    const Address& bind);

// RFC 6455 §4.4: a handshake with any other version, or without one, gets a 426.
bool speaks_websocket_13(const RequestHead& head);

// Whether the sender of this request may use hpp's own endpoints.
bool may_ask_own(const RequestHead& head, bool peer_is_local, const Address& bind);

// Whether the sender of this request may see errors. Unlike may_ask_own(), any port will do,
// because a tunnel to this machine may have another one, and only a name can be another site's.
bool may_see_errors(const RequestHead& head, bool peer_is_local, const Address& bind);

}  // namespace hpp::proxyd
