// Makes nonces for Content-Security-Policy.
#pragma once

#include <string>

namespace hpp::proxyd {

// Returns 128 unpredictable bits in hexadecimal, for use as the nonce of one page.
std::string random_nonce();

}  // namespace hpp::proxyd
