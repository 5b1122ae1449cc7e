#include "proxyd/core/http/rewrite.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

using Coding = Delivery::Coding;

std::string request(const std::string& text) {
  const ParsedRequest head(text);
  const auto facts = std::get<RequestFacts>(judge_request(*head));
  return write_request_head(*head, facts, "127.0.0.1", "localhost:8001");
}

std::string response(const std::string& text, const Delivery& delivery = {},
                     const RequestFacts& to = {.asks_upgrade = true},
                     const std::optional<Provenance>& provenance = std::nullopt) {
  const ParsedResponse head(text);
  const auto facts = std::get<ResponseFacts>(judge_response(*head, to));
  return write_response_head(*head, facts, to, delivery, provenance);
}

constexpr const char* kForwardedA =
    "Forwarded: for=127.0.0.1;host=a;proto=http\r\nX-Forwarded-For: 127.0.0.1\r\n"
    "X-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\n\r\n";

TEST(RequestRewrite, KeepsTargetOrderCaseAndDuplicates) {
  EXPECT_EQ(request("GET /b//../c?d#e HTTP/1.1\r\nx-B: 1\r\nHost: a\r\nX-b: 2\r\n"
                    "COOKIE: q\r\nx-B: 3\r\n\r\n"),
            "GET /b//../c?d#e HTTP/1.1\r\nx-B: 1\r\nHost: a\r\nX-b: 2\r\n"
            "COOKIE: q\r\nx-B: 3\r\n" +
                std::string(kForwardedA));
}

TEST(RequestRewrite, RemovesFieldsOfOneConnection) {
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nx-hop: 1\r\n"
                    "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: h2c\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(kForwardedA));
}

TEST(RequestRewrite, AClientCannotHaveFramingOrHostRemoved) {
  EXPECT_EQ(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                    "Connection: content-length, host\r\n\r\n"),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n" + std::string(kForwardedA));
  EXPECT_EQ(
      request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
              "Connection: transfer-encoding\r\n\r\n"),
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + std::string(kForwardedA));
}

TEST(RequestRewrite, PassesUpgradesAndTrailers) {
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Key: k\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\n" +
                std::string(kForwardedA));
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a/1,, b\r\n"
                    "upgrade: c\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: a/1, b\r\nupgrade: c\r\n"
            "Connection: Upgrade\r\n" +
                std::string(kForwardedA));
  EXPECT_EQ(
      request("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, gzip\r\n\r\n"),
      "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n" + std::string(kForwardedA));
}

TEST(RequestRewrite, DoesNotPassUpgradesToHttp2) {
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                    "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(kForwardedA));
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                    "Upgrade: h2c, websocket\r\nUpgrade: h2c\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                std::string(kForwardedA));
}

TEST(RequestRewrite, AppendsToTheFieldsOfOtherProxies) {
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=1.1.1.1\r\n"
                    "forwarded: for=2.2.2.2\r\nX-Forwarded-For: 1.1.1.1\r\n"
                    "X-Forwarded-Host: outer\r\nX-Forwarded-Proto: https\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=1.1.1.1\r\n"
            "X-Forwarded-Host: outer\r\nX-Forwarded-Proto: https\r\n"
            "forwarded: for=2.2.2.2, for=127.0.0.1;host=outer;proto=https\r\n"
            "X-Forwarded-For: 1.1.1.1, 127.0.0.1\r\n\r\n");
}

// Rack reads the last `proto` of Forwarded and prefers it to X-Forwarded-Proto; other servers read
// the first, or only X-Forwarded-Proto. All of them must read the same value.
TEST(RequestRewrite, TranslatesTheFieldsOfOtherProxies) {
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, ::2\r\n"
                    "X-Forwarded-Proto: https\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n"
            "Forwarded: for=1.1.1.1;host=a;proto=https, for=\"[::2]\", "
            "for=127.0.0.1;host=a;proto=https\r\n"
            "X-Forwarded-For: 1.1.1.1, ::2, 127.0.0.1\r\nX-Forwarded-Host: a\r\n\r\n");
  EXPECT_EQ(
      request("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Ssl: on\r\n\r\n"),
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Ssl: on\r\n"
      "Forwarded: for=127.0.0.1;host=a;proto=https\r\n"
      "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: https\r\n\r\n");
  EXPECT_EQ(
      request(
          "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=\"[::2]:80\";host=b;proto=https\r\n\r\n"),
      "GET / HTTP/1.1\r\nHost: a\r\n"
      "Forwarded: for=\"[::2]:80\";host=b;proto=https, for=127.0.0.1;host=b;proto=https\r\n"
      "X-Forwarded-For: ::2, 127.0.0.1\r\nX-Forwarded-Host: b\r\nX-Forwarded-Proto: https\r\n\r\n");
}

TEST(RequestRewrite, GivesTheBackendThePathOfAUrl) {
  const auto line = [](const std::string& start) {
    const std::string written = request(start + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return written.substr(0, written.find("\r\n"));
  };
  EXPECT_EQ(line("GET http://a/x?y=http://b/"), "GET /x?y=http://b/ HTTP/1.1");
  EXPECT_EQ(line("GET http://a//b/../c"), "GET //b/../c HTTP/1.1");
  EXPECT_EQ(line("GET HTTPS://A"), "GET / HTTP/1.1");
  EXPECT_EQ(line("GET ws://a?b"), "GET /?b HTTP/1.1");
  EXPECT_EQ(line("OPTIONS http://a:80"), "OPTIONS * HTTP/1.1");
  EXPECT_EQ(line("OPTIONS http://a/"), "OPTIONS / HTTP/1.1");
  EXPECT_EQ(line("OPTIONS *"), "OPTIONS * HTTP/1.1");
  EXPECT_EQ(line("GET /http://a/"), "GET /http://a/ HTTP/1.1");
  EXPECT_TRUE(
      request("GET http://b:1/x HTTP/1.0\r\n\r\n").starts_with("GET /x HTTP/1.1\r\nHost: b:1\r\n"));
}

TEST(RequestRewrite, ConnectionDoesNotRemoveHppsOwnFields) {
  const std::string fields =
      "Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Host: outer\r\n"
      "X-Forwarded-Proto: https\r\n";
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: forwarded, X-forwarded-for, "
                    "x-forwarded-host, X-FORWARDED-PROTO\r\n" +
                    fields + "\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(kForwardedA));
  EXPECT_EQ(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-forwarded-host\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(kForwardedA));
}

TEST(RequestRewrite, ReplacesAMalformedForwarded) {
  for (const char* const fields : {"Forwarded: for=\"1.1.1.1\r\n", "Forwarded: 1.1.1.1\r\n",
                                   "Forwarded: for=1.1.1.1\r\nForwarded: for\r\n"}) {
    EXPECT_EQ(request(std::string("GET / HTTP/1.1\r\nHost: a\r\n") + fields + "\r\n"),
              "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(kForwardedA));
  }
}

// RFC 9110 §7.6.2.
TEST(RequestRewrite, CountsMaxForwardsDown) {
  const auto left = [](const std::string& method, const std::string& value) {
    const std::string written =
        request(method + " / HTTP/1.1\r\nHost: a\r\nMax-Forwards: " + value + "\r\n\r\n");
    const std::size_t begin = written.find("Max-Forwards: ") + 14;
    return written.substr(begin, written.find("\r\n", begin) - begin);
  };
  EXPECT_EQ(left("TRACE", "10"), "9");
  EXPECT_EQ(left("OPTIONS", "1"), "0");
  EXPECT_EQ(left("OPTIONS", "many"), "many");
  EXPECT_EQ(left("GET", "5"), "5");
}

TEST(RequestRewrite, AddsTheHostThatHttp10MayOmit) {
  EXPECT_EQ(request("GET / HTTP/1.0\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: localhost:8001\r\nForwarded: for=127.0.0.1;proto=http\r\n"
            "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n");
}

TEST(ResponseRewrite, KeepsOrderCaseAndDuplicates) {
  EXPECT_EQ(response("HTTP/1.0 200 Fine\r\nset-cookie: a\r\nContent-length: 5\r\n"
                     "Set-Cookie: b\r\nKeep-Alive: timeout=5\r\nConnection: x-y\r\nX-Y: 1\r\n\r\n"),
            "HTTP/1.1 200 Fine\r\nset-cookie: a\r\nContent-length: 5\r\nSet-Cookie: b\r\n\r\n");
}

TEST(ResponseRewrite, SaysWhetherTheConnectionCloses) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(response(text), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(response(text, {.closes = true}),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(response(text, {}, {.minor = 0}),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseRewrite, ChangesTheFramingIfTheConnectionsDiffer) {
  EXPECT_EQ(response("HTTP/1.0 200 OK\r\n\r\n", {.coding = Coding::Chunk}),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                     {.coding = Coding::Dechunk, .closes = true}, {.minor = 0}),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(ResponseRewrite, NamesTheGenerationAndTheHoldTime) {
  Provenance provenance{.generation = 7, .refresh = {}, .held = std::chrono::microseconds{12'340}};
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nServer-Timing: db;dur=5\r\nContent-Length: 0\r\n\r\n", {},
                     {}, provenance),
            "HTTP/1.1 200 OK\r\nServer-Timing: db;dur=5\r\nContent-Length: 0\r\n"
            "X-Hpp-Generation: 7\r\n"
            "Server-Timing: hpp;desc=\"generation 7\", hold;dur=12.3\r\n\r\n");
  provenance.refresh = {.epoch = 55, .count = 3};
  EXPECT_EQ(
      response("HTTP/1.1 204 No Content\r\n\r\n", {}, {}, provenance),
      "HTTP/1.1 204 No Content\r\nX-Hpp-Generation: 7\r\n"
      "Server-Timing: hpp;desc=\"generation 7\", hold;dur=12.3, refresh;desc=\"55/3\"\r\n\r\n");
  provenance.refresh.reset();
  provenance.lag_ms = 3000;
  EXPECT_EQ(response("HTTP/1.1 204 No Content\r\n\r\n", {}, {}, provenance),
            "HTTP/1.1 204 No Content\r\nX-Hpp-Generation: 7\r\n"
            "Server-Timing: hpp;desc=\"generation 7\", hold;dur=12.3, lag;dur=3000\r\n\r\n");
  EXPECT_EQ(response("HTTP/1.1 103 Early Hints\r\n\r\n", {}, {}, provenance),
            "HTTP/1.1 103 Early Hints\r\n\r\n");
}

TEST(ResponseRewrite, SwitchesProtocols) {
  EXPECT_EQ(response("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: x\r\nConnection: Upgrade\r\n\r\n");
  EXPECT_EQ(response("HTTP/1.1 426 Upgrade Required\r\nUpgrade: x\r\nConnection: upgrade\r\n"
                     "Content-Length: 0\r\n\r\n"),
            "HTTP/1.1 426 Upgrade Required\r\nUpgrade: x\r\nContent-Length: 0\r\n"
            "Connection: Upgrade\r\n\r\n");
}

// The client gets a valid head, even if the backend's is defective.
TEST(ResponseRewrite, WritesExactlyOneFraming) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n";
  for (const std::string fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nA: b\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: , chunked\r\nContent-Length: 7\r\nA : b\r\nTransfer-Encoding:\r\n"}) {
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\n" + fields + "\r\n"), chunked);
    EXPECT_EQ(response("HTTP/1.0 200 OK\n" + fields + "\n"), chunked);
  }
  const std::string five = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  for (const std::string fields :
       {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n",
        "Content-Length:\r\n 5 ,5\r\n", "Transfer-Encoding:\r\nContent-Length: 5\r\n"}) {
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\n" + fields + "\r\n"), five);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\n" + fields + "\r\n", {}, {.is_head = true}), five);
  }
}

TEST(ResponseRewrite, WritesADefectiveHeadWithoutItsDefects) {
  EXPECT_EQ(response("\nHTTP/2.0\t 200\nA : b\x01\n\tc\nContent-Length: 0\n\n"),
            "HTTP/1.1 200 \r\nA: b  c\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace
}  // namespace hpp::proxyd
