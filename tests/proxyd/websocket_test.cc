#include "proxyd/websocket.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hpp::proxyd {
namespace {

// A client's frame: masked, as RFC 6455 §5.3 demands.
std::string client_frame(char opcode, const std::string& payload, bool masked = true) {
  const std::string mask = "mask";
  std::string frame{static_cast<char>('\x80' | opcode)};
  frame += static_cast<char>((masked ? 0x80 : 0) | static_cast<int>(payload.size()));
  if (masked) frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += masked ? static_cast<char>(payload[i] ^ mask[i % 4]) : payload[i];
  }
  return frame;
}

constexpr char kText = 1;
constexpr char kClose = 8;
constexpr char kPing = 9;

struct Peer {
  Buffer input;
  Buffer output;
  std::vector<std::string> texts;
  WebSocket socket{input, output, 100, [this](std::string_view text) { texts.emplace_back(text); }};

  bool receive(const std::string& bytes) {
    input.append(bytes);
    return socket.receive();
  }

  std::string sent() {
    std::string bytes(output.pull_up(output.size()));
    output.drain(bytes.size());
    return bytes;
  }
};

TEST(WebSocket, AcceptsAsInTheRfc) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, ReadsTextsThatComeInPieces) {
  Peer peer;
  for (const char byte : client_frame(kText, "one") + client_frame(kText, "two")) {
    EXPECT_TRUE(peer.receive(std::string(1, byte)));
  }
  EXPECT_EQ(peer.texts, (std::vector<std::string>{"one", "two"}));
}

TEST(WebSocket, SendsTexts) {
  Peer peer;
  peer.socket.send_text("hi");
  EXPECT_EQ(peer.sent(), "\x81\x02hi");
}

TEST(WebSocket, AnswersPings) {
  Peer peer;
  EXPECT_TRUE(peer.receive(client_frame(kPing, "x")));
  EXPECT_EQ(peer.sent(), "\x8a\x01x");
}

TEST(WebSocket, EndsWithACloseOfItsOwn) {
  Peer peer;
  EXPECT_FALSE(peer.receive(client_frame(kClose, "\x03\xe8")));
  EXPECT_EQ(peer.sent(), "\x88\x02\x03\xe8");
}

TEST(WebSocket, EndsWhenTheRulesAreBroken) {
  Peer unmasked;
  EXPECT_FALSE(unmasked.receive(client_frame(kText, "x", /*masked=*/false)));
  Peer large;
  EXPECT_FALSE(large.receive(client_frame(kText, std::string(101, 'x'))));
  EXPECT_TRUE(large.texts.empty());
}

}  // namespace
}  // namespace hpp::proxyd
