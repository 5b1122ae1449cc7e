#include "common/base64.h"

#include <algorithm>
#include <cstdint>

namespace hpp {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kGroup = 3;        // bytes that become kGroupDigits digits
  constexpr std::size_t kGroupDigits = 4;  // each of 6 bits
  std::string text;
  text.reserve((bytes.size() + kGroup - 1) / kGroup * kGroupDigits);
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), kGroup);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < kGroup; ++i) {
      bits = bits << 8U | (i < size ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < kGroupDigits; ++i) {
      const std::size_t shift = 6 * (kGroupDigits - 1 - i);
      text += i <= size ? kDigits[bits >> shift & 0x3FU] : '=';
    }
    bytes.remove_prefix(size);
  }
  return text;
}

}  // namespace hpp
