// Pure. The requests that hpp answers itself: which they are, and who may ask. All but one are
// below
// `/__hpp/`.
//
// They tell of the developer's files and commands, so they are for the developer alone. A page of
// anybody's that the developer looks at can have the browser ask this machine; as long as its host
// is another the browser keeps the answer from it (same-origin policy), and a page that has its
// own name point to this machine (DNS rebinding) still says that name in Host. WebSockets know no
// such policy: there Origin tells.
#pragma once

#include <string>
#include <variant>

#include "common/address.h"
#include "proxyd/core/http/head.h"

namespace hpp::proxyd {

enum class OwnEndpoint {
  Home,              // `/__hpp/`, for people
  Status,            // `/__hpp/status`: all three snapshots of the bus, and defects of answers
  History,           // `/__hpp/history`: the last starts of the backend
  Wait,              // `/__hpp/wait`: answered when the tree as of now is live, or has failed
  LiveReload,        // `/__hpp/livereload`, a WebSocket
  LiveReloadScript,  // `/__hpp/livereload.js`
  Options,           // OPTIONS with `Max-Forwards: 0`, whatever its target
};

struct OwnRequest {
  OwnEndpoint endpoint = OwnEndpoint::Home;
  std::string websocket_key;  // LiveReload

  bool operator==(const OwnRequest&) const = default;
};

// Whether it waits at the gate like a request for the backend, and is answered in its place.
constexpr bool waits_at_gate(OwnEndpoint endpoint) {
  return endpoint == OwnEndpoint::Wait;
}

struct NotOwn {  // it is the backend's
  bool operator==(const NotOwn&) const = default;
};

// `peer_is_local`: the client's address is a loopback one. `bind`: where this proxy listens.
std::variant<NotOwn, OwnRequest, Refused> judge_own(const RequestHead& head,
                                                    const RequestFacts& facts, bool peer_is_local,
                                                    const Address& bind);

// RFC 6455 §4.4: a handshake of any other version, or of none, is answered with 426.
bool speaks_websocket_13(const RequestHead& head);

// Whether who sent this request may ask for any of them.
bool may_ask_own(const RequestHead& head, bool peer_is_local, const Address& bind);

}  // namespace hpp::proxyd
