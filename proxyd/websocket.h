// Shell. One end of a WebSocket (RFC 6455) whose bytes come from one buffer and go to another.
// wslay does the frames.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/event/buffer.h"

struct wslay_event_context;

namespace hpp::proxyd {

// The Sec-WebSocket-Accept for a client's Sec-WebSocket-Key, RFC 6455 §4.2.2.
std::string websocket_accept(std::string_view key);

class WebSocket {
 public:
  // A server's end, after the handshake. `on_text` is called from receive() with each whole text
  // message, which has at most `message_max` bytes. The buffers must outlive it.
  WebSocket(Buffer& input, Buffer& output, std::size_t message_max,
            std::function<void(std::string_view)> on_text);
  ~WebSocket();

  // Takes in what is in the input buffer. False: the connection is over, by a close frame or a
  // broken rule; what is in the output buffer is to be sent, then the end.
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
