// Pure. The Forwarded field (RFC 7239) and its X-Forwarded-* forerunners.
#pragma once

#include <string>
#include <string_view>

namespace hpp::proxyd {

// One element of Forwarded: `for=127.0.0.1;host="localhost:8000";proto=http`. Values that are no
// tokens are quoted, IPv6 addresses are put in brackets and quoted (§6.1).
// `peer_ip`: without brackets. `host`: the request's Host as it came; empty: left out.
std::string forwarded_element(std::string_view peer_ip, std::string_view host);

// Whether the value of a Forwarded field is a list whose elements can be told apart. A port or an
// IPv6 address without its quotes is forgiven, an open quote is not: everything behind it would be
// part of the quoted string.
bool is_forwarded(std::string_view value);

}  // namespace hpp::proxyd
