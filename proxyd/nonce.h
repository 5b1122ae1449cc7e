// Random texts for Content-Security-Policy.
#pragma once

#include <string>

namespace hpp::proxyd {

// 128 bits that nobody can guess, in hexadecimal: the nonce of one page.
std::string random_nonce();

}  // namespace hpp::proxyd
