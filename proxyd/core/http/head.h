// Pure. Decides what a head means: the rules of RFC 9110 and RFC 9112 that a parser leaves open.
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

// How the end of a message's body is found, RFC 9112 §6.3.
enum class Framing {
  None,        // there is no body
  Length,      // after a number of bytes
  Chunked,     // after the last chunk
  UntilClose,  // when the connection ends: answers only
};

// What the proxy needs to know of a request, besides its text.
struct RequestFacts {
  Framing framing = Framing::None;
  std::uint64_t length = 0;       // bytes of body, with Framing::Length
  int minor = 1;                  // HTTP/1.<minor>
  bool is_head = false;           // HEAD: the answer has no body whatever its fields say
  bool is_safe = false;           // GET, HEAD, OPTIONS, TRACE: may be sent twice (RFC 9110 §9.2.1)
  bool keeps_alive = true;        // the client expects to send more on this connection
  bool asks_upgrade = false;      // Connection: upgrade, with an Upgrade field
  bool accepts_trailers = false;  // TE: trailers
  Wanted wanted = Wanted::Any;    // for an answer of the proxy's own

  bool operator==(const RequestFacts&) const = default;
};

struct ResponseFacts {
  int status = 200;
  Framing framing = Framing::None;
  std::uint64_t length = 0;  // bytes of body, with Framing::Length
  bool keeps_alive = true;   // the backend will take another request on this connection
  bool is_event_stream = false;
  bool is_chunked = false;  // Transfer-Encoding is chunked, whether there is a body or not
  Defects defects;          // found in the head and its framing

  bool is_interim() const { return status < 200 && status != 101; }

  bool operator==(const ResponseFacts&) const = default;
};

// The host that a target of the absolute form names: `http://a:1/b?c` → `a:1`. Empty: it is of
// another form.
std::string_view authority_of(std::string_view target);

// The target without that: `/b?c`, `?c`, or nothing at all; of another form: as it is.
std::string_view without_authority(std::string_view target);

// How many proxies may still forward a TRACE or OPTIONS request (RFC 9110 §7.6.2). Nothing: as many
// as there are.
std::optional<std::uint64_t> max_forwards(const RequestHead& head);

// Refuses what would be understood differently by two parties (request smuggling) and what the
// proxy does not serve.
std::variant<RequestFacts, Refused> judge_request(const RequestHead& head);

// The facts that matter for the answer to a request that is refused.
RequestFacts facts_of_refused(const RequestHead& head);

// The same for a request whose head is not complete or not well-formed, from its first bytes.
RequestFacts facts_of_refused(std::string_view beginning);

// The answer to `request`. Accepts every answer that has one plain meaning (answer_defects.h).
// Refused: the backend's fault (502).
std::variant<ResponseFacts, Refused> judge_response(const ResponseHead& head,
                                                    const RequestFacts& request);

}  // namespace hpp::proxyd
