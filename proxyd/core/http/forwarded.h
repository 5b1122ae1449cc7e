// Pure. The Forwarded field (RFC 7239) and its X-Forwarded-* forerunners.
//
// Servers read the one kind or the other. Some take the first value of a list, some the last. So
// what hpp adds agrees with what outer proxies (a TLS terminator, a tunnel) said, whichever kind
// they used: it is translated to the other kind, and hpp's own element repeats the scheme and the
// host that the user's browser asked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxyd/core/http/parser.h"

namespace hpp::proxyd {

// The request of the user's browser, as outer proxies tell of it. Empty members: they do not say.
struct OuterRequest {
  std::string proto;               // `https`
  std::string host;                // `example.org:8443`
  std::vector<std::string> chain;  // the addresses that the request has come from, the browser's
                                   // first, as X-Forwarded-For has them
  bool has_forwarded = false;      // there is a Forwarded field, and it can be read

  bool operator==(const OuterRequest&) const = default;
};

// By Forwarded, if it can be read, and for what that does not say by X-Forwarded-*,
// X-Forwarded-Scheme, X-Forwarded-Ssl and Front-End-Https. Of several values the first is the
// browser's.
OuterRequest read_outer_request(const std::vector<Field>& fields);

// One element of Forwarded: `for=127.0.0.1;host="localhost:8000";proto=http`. Values that are no
// tokens are quoted, IPv6 addresses are put in brackets and quoted (§6.1).
// `node`: an address, IPv6 without brackets. Empty `host` and `proto` are left out.
std::string forwarded_element(std::string_view node, std::string_view host, std::string_view proto);

// Whether the value of a Forwarded field is a list whose elements can be told apart. A port or an
// IPv6 address without its quotes is forgiven, an open quote is not: everything behind it would be
// part of the quoted string.
bool is_forwarded(std::string_view value);

}  // namespace hpp::proxyd
