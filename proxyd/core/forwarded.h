// Pure. The Forwarded field (RFC 7239) and its X-Forwarded-* forerunners.
#pragma once

#include <string>
#include <string_view>

namespace hpp::proxyd {

// One element of Forwarded: `for=127.0.0.1;host="localhost:8000";proto=http`. Values that are no
// tokens are quoted, IPv6 addresses are put in brackets and quoted (§6.1).
// `peer_ip`: without brackets. `host`: the request's Host as it came; empty: left out.
std::string forwarded_element(std::string_view peer_ip, std::string_view host);

}  // namespace hpp::proxyd
