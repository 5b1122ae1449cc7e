// Pure. FNV-1a with 64 bits: a digest that is the same in each process. By chance, two texts have
// equal digests once in 10^19. An attacker can construct such texts, so use it for the user's own.
#pragma once

#include <cstdint>
#include <string_view>

namespace hpp::watchd {

class Fnv {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }

  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace hpp::watchd
