// Pure. Recognises addresses of private networks.
#pragma once

#include <string_view>

namespace hpp {

// Whether the text is an IPv4 address in decimal notation.
bool is_ipv4_address(std::string_view text);

// Whether the IP address, without brackets, is one of a private network: RFC 1918, RFC 6598, RFC
// 4193, or link-local. A loopback address is not.
bool is_private_address(std::string_view ip);

}  // namespace hpp
