// Pure. Interprets parsed heads: the rules of RFC 9110 and RFC 9112 that go beyond syntax.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "proxyd/core/http/accept.h"
#include "proxyd/core/http/answer_defects.h"
#include "proxyd/core/http/parser.h"
#include "proxyd/core/http/response_parser.h"

namespace hpp::proxyd {

// How a message's body ends (RFC 9112 §6.3).
enum class Framing {
  None,        // there is no body
  Length,      // after a number of bytes
  Chunked,     // after the last chunk
  UntilClose,  // when the connection closes; only an answer can end like that
};

// The properties of a request that the proxy acts on.
struct RequestFacts {
  Framing framing = Framing::None;
  std::uint64_t length = 0;       // the body's size in bytes, with Framing::Length
  int minor = 1;                  // HTTP/1.<minor>
  bool is_head = false;           // HEAD: the answer has no body, even if its fields announce one
  bool is_safe = false;           // GET, HEAD, OPTIONS, TRACE: may be sent twice (RFC 9110 §9.2.1)
  bool keeps_alive = true;        // the client may send more requests on this connection
  bool asks_upgrade = false;      // Connection: upgrade, and an Upgrade field that may be passed on
  bool accepts_trailers = false;  // TE: trailers
  Wanted wanted = Wanted::Any;    // the media type for an answer from hpp itself
  bool is_navigation = false;     // a browser opens a page (navigation.h), and accepts HTML
  bool may_see_errors = false;    // the answer may contain output and source (access.h)
  bool is_from_here = false;      // the sender is on this machine and may see everything (access.h)

  bool operator==(const RequestFacts&) const = default;
};

struct ResponseFacts {
  int status = 200;
  Framing framing = Framing::None;
  std::uint64_t length = 0;  // the body's size in bytes, with Framing::Length
  bool keeps_alive = true;   // the backend accepts another request on this connection
  bool is_event_stream = false;
  bool is_chunked = false;  // Transfer-Encoding is chunked, even if there is no body
  Defects defects;          // the defects of the head and its framing

  bool is_interim() const { return status < 200 && status != 101; }

  bool operator==(const ResponseFacts&) const = default;
};

// Returns the host in a target in absolute form: `http://a:1/b?c` → `a:1`. Empty if the target has
// another form.
std::string_view authority_of(std::string_view target);

// Returns the target without scheme and host: `/b?c`, `?c`, or an empty string. Returns a target in
// another form unchanged.
std::string_view without_authority(std::string_view target);

// Returns how many proxies may still forward a TRACE or OPTIONS request (RFC 9110 §7.6.2). Nothing
// means no limit.
std::optional<std::uint64_t> max_forwards(const RequestHead& head);

// Whether a request for this protocol, an element of Upgrade, is passed on. HTTP/2 is not: hpp
// would have to take the connection for a tunnel, and later requests in it would pass the barrier
// unseen. Java's HttpClient asks for `h2c` with each request, and goes on with HTTP/1.1 (RFC 9110
// §7.8).
bool passes_upgrade_to(std::string_view protocol);

// Refuses a request that two programs could understand differently (request smuggling), and a
// request that a reverse proxy does not serve.
std::variant<RequestFacts, Refused> judge_request(const RequestHead& head);

// Returns the facts that are needed to answer a refused request.
RequestFacts facts_of_refused(const RequestHead& head);

// Returns the facts that are needed to answer a request with an incomplete or malformed head.
// `beginning`: the first bytes of the request.
RequestFacts facts_of_refused(std::string_view beginning);

// Judges the backend's answer to `request`. Accepts a defective answer if it can only be understood
// in one way (answer_defects.h). If it returns Refused, the backend is at fault (502).
std::variant<ResponseFacts, Refused> judge_response(const ResponseHead& head,
                                                    const RequestFacts& request);

}  // namespace hpp::proxyd
