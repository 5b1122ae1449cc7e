// Pure. Writes bytes as base64 text (RFC 4648 §4). For cores, which may not link libcrypto.
#pragma once

#include <string>
#include <string_view>

namespace hpp {

// With padding, and without line breaks.
std::string base64(std::string_view bytes);

}  // namespace hpp
