// Shell. The server's end of a WebSocket (RFC 6455), between an input and an output buffer. wslay
// parses and writes the frames.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/event/buffer.h"

struct wslay_event_context;

namespace hpp::proxyd {

// Returns the Sec-WebSocket-Accept for a client's Sec-WebSocket-Key (RFC 6455 §4.2.2).
std::string websocket_accept(std::string_view key);

class WebSocket {
 public:
  // Begins after the handshake. receive() calls `on_text` with each complete text message; a
  // message of more than `message_max` bytes ends the connection. The buffers must outlive this
  // object.
  WebSocket(Buffer& input, Buffer& output, std::size_t message_max,
            std::function<void(std::string_view)> on_text);
  ~WebSocket();

  // Reads all bytes in the input buffer. Returns false if the connection is over, because of a
  // close frame or a protocol error: then send the output buffer and close the connection.
  bool receive();

  void send_text(std::string_view text);

 private:
  struct Callbacks;

  bool flush();

  Buffer& input_;
  Buffer& output_;
  std::function<void(std::string_view)> on_text_;
  wslay_event_context* context_ = nullptr;
};

}  // namespace hpp::proxyd
