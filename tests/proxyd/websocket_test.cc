#include "proxyd/websocket.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/client_frame.h"

namespace hpp::proxyd {
namespace {

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

TEST(WebSocket, ComputesTheAcceptKeyOfTheRfc) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, ReadsTextsInPieces) {
  Peer peer;
  for (const char byte : client_frame(kTextFrame, "one") + client_frame(kTextFrame, "two")) {
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
  EXPECT_TRUE(peer.receive(client_frame(kPingFrame, "x")));
  EXPECT_EQ(peer.sent(), "\x8a\x01x");
}

TEST(WebSocket, AnswersACloseAndEnds) {
  Peer peer;
  EXPECT_FALSE(peer.receive(client_frame(kCloseFrame, "\x03\xe8")));
  EXPECT_EQ(peer.sent(), "\x88\x02\x03\xe8");
}

TEST(WebSocket, EndsAfterAProtocolError) {
  Peer unmasked;
  EXPECT_FALSE(unmasked.receive(client_frame(kTextFrame, "x", /*masked=*/false)));
  Peer large;
  EXPECT_FALSE(large.receive(client_frame(kTextFrame, std::string(101, 'x'))));
  EXPECT_TRUE(large.texts.empty());
}

}  // namespace
}  // namespace hpp::proxyd
