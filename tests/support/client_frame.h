// Encodes WebSocket frames of a client.
#pragma once

#include <string>

namespace hpp {

constexpr char kTextFrame = 1;
constexpr char kCloseFrame = 8;
constexpr char kPingFrame = 9;

// Returns a frame with a payload of at most 125 bytes. A client must mask it (RFC 6455 §5.3).
inline std::string client_frame(char opcode, const std::string& payload, bool masked = true) {
  const std::string mask = "mask";
  std::string frame{static_cast<char>('\x80' | opcode)};
  frame += static_cast<char>((masked ? 0x80 : 0) | static_cast<int>(payload.size()));
  if (masked) frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += masked ? static_cast<char>(payload[i] ^ mask[i % 4]) : payload[i];
  }
  return frame;
}

}  // namespace hpp
