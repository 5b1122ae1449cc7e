// Pure. Recognises the requests that hpp answers itself, and decides which clients may send them.
//
// All but one are below `/__hpp/`; access.h says which clients may use them. WebSockets have no
// same-origin policy, so hpp checks their Origin. A page may also send a POST to another origin
// without reading the answer, so hpp accepts a POST, which changes something, only from its own
// pages and from programs that are no browser.
#pragma once

#include <string>
#include <variant>

#include "proxyd/core/access.h"
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
  OpenEditor,        // POST `/__hpp/open-editor`: opens the place of the error (editor.h)
  Pause,             // POST `/__hpp/pause`: saves do not restart the backend
  Resume,            // POST `/__hpp/resume`: ends that
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
  using enum OwnEndpoint;
  return endpoint == Restart || endpoint == Pause || endpoint == Resume || endpoint == SendAgain ||
         endpoint == Repeat || endpoint == SendOnce || endpoint == OpenEditor;
}

struct NotOwn {  // the request is for the backend
  bool operator==(const NotOwn&) const = default;
};

// Returns the least access with which a client may use the endpoint.
constexpr Access needed_access(OwnEndpoint endpoint) {
  using enum OwnEndpoint;
  if (endpoint == LiveReload || endpoint == LiveReloadScript || endpoint == Status ||
      endpoint == Wait || endpoint == Restart) {
    return Access::Pages;
  }
  return endpoint == Log ? Access::Output : Access::Full;
}

std::variant<NotOwn, OwnRequest, Refused> judge_own(const RequestHead& head,
                                                    const RequestFacts& facts, const Peer& peer,
                                                    const AccessRules& rules);

// RFC 6455 §4.4: a handshake with any other version, or without one, gets a 426.
bool speaks_websocket_13(const RequestHead& head);

}  // namespace hpp::proxyd
