// Finds an unused port for a test to listen on.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <system_error>

#include "common/os/socket_address.h"

namespace hpp {

// Returns a port that is free on 127.0.0.1 and ::1. It is below the ephemeral range, so that the
// kernel does not assign it to a connection of another test.
inline std::uint16_t free_port() {
  constexpr int kFirst = 10'000;
  constexpr int kCount = 22'000;
  static int tried = 0;
  for (; tried < kCount; ++tried) {
    const int port = kFirst + (static_cast<int>(::getpid()) * 7 + tried) % kCount;
    const Address address{.host = "localhost", .port = static_cast<std::uint16_t>(port)};
    try {
      listen_on(resolve(address));
    } catch (const std::system_error&) {
      continue;
    }
    ++tried;
    return address.port;
  }
  throw std::runtime_error("no port is free");
}

}  // namespace hpp
