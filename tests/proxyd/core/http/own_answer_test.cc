#include "proxyd/core/http/own_answer.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

// Text like this can come from another user's command line, or from a server's output.
constexpr const char* kHostile =
    "a\x1b]52;c;eA==\x07 \xc2\x9b"
    "31m \u202ez\n";

std::string write(const OwnAnswer& answer, bool is_head = false) {
  return write_own(answer, is_head, /*now_ms=*/0);
}

TEST(OwnAnswer, TextIsSafeForATerminal) {
  const std::string text = write({.body = kHostile});
  EXPECT_TRUE(text.ends_with("\r\n\r\na ?31m ?z\n")) << text;
  EXPECT_NE(text.find("Content-Length: 10\r\n"), std::string::npos) << text;
}

TEST(OwnAnswer, JsonIsSafeForATerminal) {
  const std::string text = write({.type = "application/json", .body = "{\"x\": \"\xc2\x9b\"}\n"});
  EXPECT_TRUE(text.ends_with("\r\n\r\n{\"x\": \"\\u009b\"}\n")) << text;
  EXPECT_NE(text.find("Content-Length: 16\r\n"), std::string::npos) << text;
}

TEST(OwnAnswer, HeadGetsTheSameHeadWithoutABody) {
  const OwnAnswer answer{.status = 503, .body = "x\n", .generation = 3};
  const std::string head = write(answer, /*is_head=*/true);
  EXPECT_EQ(head + "x\n", write(answer));
  EXPECT_TRUE(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << head;
  EXPECT_NE(head.find("Content-Length: 2\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nX-Hpp-Generation: 3\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos) << head;
}

TEST(OwnAnswer, ConnectionNamesARequiredUpgrade) {
  const std::string text = write({.status = 426});
  EXPECT_NE(text.find("\r\nUpgrade: websocket\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\r\nConnection: upgrade, close\r\n"), std::string::npos) << text;
}

TEST(OwnAnswer, OnlyHtmlHasAContentSecurityPolicy) {
  const std::string policy = "Content-Security-Policy: default-src 'none'; script-src 'nonce-abc'";
  EXPECT_NE(write({.type = "text/html", .nonce = "abc"}).find(policy), std::string::npos);
  EXPECT_EQ(write({.nonce = "abc"}).find("Content-Security-Policy"), std::string::npos);
}

}  // namespace
}  // namespace hpp::proxyd
