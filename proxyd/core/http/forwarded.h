// Pure. The Forwarded field (RFC 7239) and its X-Forwarded-* forerunners.
//
// Some servers read Forwarded, others X-Forwarded-*; some use the first value of a list, others the
// last. All of them must see the same scheme, host and addresses. Therefore hpp translates the
// fields of outer proxies (a TLS terminator, a tunnel) to the other kind, and hpp's own element
// repeats the scheme and the host that the user's browser asked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxyd/core/http/parser.h"

namespace hpp::proxyd {

// The original request of the user's browser, as outer proxies describe it. A member is empty if
// no outer proxy has set it.
struct OuterRequest {
  std::string proto;               // `https`
  std::string host;                // `example.org:8443`
  std::vector<std::string> chain;  // the addresses that the request came through, the browser's
                                   // first, in the format of X-Forwarded-For
  bool has_forwarded = false;      // there is a well-formed Forwarded field

  bool operator==(const OuterRequest&) const = default;
};

// Reads Forwarded, unless it is malformed. Reads what Forwarded does not say from X-Forwarded-*,
// X-Forwarded-Scheme, X-Forwarded-Ssl and Front-End-Https. If a field has several values, the first
// one is the browser's.
OuterRequest read_outer_request(const std::vector<Field>& fields);

// Returns one element of Forwarded: `for=127.0.0.1;host="localhost:8000";proto=http`. Quotes
// values that are not tokens; puts IPv6 addresses into brackets and quotes (RFC 7239 §6.1).
// `node`: an address, IPv6 without brackets. An empty `host` or `proto` is left out.
std::string forwarded_element(std::string_view node, std::string_view host, std::string_view proto);

// Whether the value of a Forwarded field can be split into elements. Tolerates a port or an IPv6
// address without quotes, but not a quote that is never closed: an element that hpp appends would
// become part of the quoted string.
bool is_forwarded(std::string_view value);

}  // namespace hpp::proxyd
