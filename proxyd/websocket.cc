#include "proxyd/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>

namespace hpp::proxyd {
namespace {

// The fixed GUID of RFC 6455 §1.3.
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + std::string(kGuid);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> encoded{};
  const int size = EVP_EncodeBlock(encoded.data(), digest.data(), SHA_DIGEST_LENGTH);
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(size)};
}

// wslay's callbacks. The user data is the WebSocket.
struct WebSocket::Callbacks {
  static ssize_t receive(wslay_event_context* context, std::uint8_t* bytes, std::size_t size, int,
                         void* self) noexcept {
    Buffer& input = static_cast<WebSocket*>(self)->input_;
    const std::string_view front = input.front();
    if (front.empty()) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    const std::size_t taken = std::min(size, front.size());
    std::memcpy(bytes, front.data(), taken);
    input.drain(taken);
    return static_cast<ssize_t>(taken);
  }

  static ssize_t send(wslay_event_context*, const std::uint8_t* bytes, std::size_t size, int,
                      void* self) noexcept {
    static_cast<WebSocket*>(self)->output_.append({reinterpret_cast<const char*>(bytes), size});
    return static_cast<ssize_t>(size);
  }

  static void on_message(wslay_event_context*, const wslay_event_on_msg_recv_arg* message,
                         void* self) noexcept {
    if (message->opcode != WSLAY_TEXT_FRAME) return;
    static_cast<WebSocket*>(self)->on_text_(
        {reinterpret_cast<const char*>(message->msg), message->msg_length});
  }
};

WebSocket::WebSocket(Buffer& input, Buffer& output, std::size_t message_max,
                     std::function<void(std::string_view)> on_text)
    : input_(input), output_(output), on_text_(std::move(on_text)) {
  static const wslay_event_callbacks callbacks{
      &Callbacks::receive,   &Callbacks::send, nullptr, nullptr, nullptr, nullptr,
      &Callbacks::on_message};
  if (wslay_event_context_server_init(&context_, &callbacks, this) != 0) throw std::bad_alloc();
  wslay_event_config_set_max_recv_msg_length(context_, message_max);
}

WebSocket::~WebSocket() {
  wslay_event_context_free(context_);
}

bool WebSocket::receive() {
  if (wslay_event_recv(context_) != 0) return false;
  return flush();
}

void WebSocket::send_text(std::string_view text) {
  const wslay_event_msg message{WSLAY_TEXT_FRAME,
                                reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  wslay_event_queue_msg(context_, &message);
  flush();
}

// Writes all queued frames, including the answers to pings and closes.
bool WebSocket::flush() {
  if (wslay_event_send(context_) != 0) return false;
  return wslay_event_want_read(context_) != 0 || wslay_event_want_write(context_) != 0;
}

}  // namespace hpp::proxyd
