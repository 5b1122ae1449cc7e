#include "proxyd/core/kept_request.h"

#include <gtest/gtest.h>

#include <string>

namespace hpp::proxyd {
namespace {

RequestRecord record(const std::string& head, const std::string& body = "") {
  RequestRecord record;
  record.head = head;
  record.body.add(body);
  return record;
}

KeptRequest kept(const std::string& head, const std::string& body = "") {
  return read_kept(record(head, body));
}

const std::string kPost =
    "POST /items?a=1 HTTP/1.1\r\nHost: localhost:8000\r\nContent-Type: application/json\r\n"
    "Cookie: s=1\r\nConnection: keep-alive\r\nContent-Length: 7\r\n\r\n";

TEST(KeptRequest, HasItsParts) {
  const KeptRequest request = kept(kPost, "{\"a\":1}");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/items?a=1");
  EXPECT_EQ(request.host, "localhost:8000");
  EXPECT_EQ(request.body, "{\"a\":1}");
  EXPECT_EQ(request.fields.size(), 5U);
  EXPECT_TRUE(request.can_be_sent);
}

TEST(KeptRequest, LosesTheFramingOfItsBody) {
  const KeptRequest request =
      kept("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
           "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(request.body, "abcde");
  EXPECT_TRUE(request.can_be_sent);
  EXPECT_EQ(message_of(request),
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde");
}

TEST(KeptRequest, CannotBeSentWithoutItsWholeBody) {
  EXPECT_FALSE(kept(kPost, "{\"a\"").can_be_sent) << "the client has gone";
  RequestRecord long_one = record(kPost);
  long_one.body.leave_out();
  EXPECT_FALSE(read_kept(long_one).can_be_sent);
  EXPECT_EQ(read_kept(long_one).method, "POST");
}

TEST(KeptRequest, CannotBeSentIfItSwitchesProtocols) {
  EXPECT_FALSE(kept("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "\r\n")
                   .can_be_sent);
}

TEST(KeptRequest, MalformedOnesCannotBeSent) {
  EXPECT_FALSE(kept("").can_be_sent);
  EXPECT_FALSE(kept("GET / HTTP/1.1\r\nHost : a\r\n\r\n").can_be_sent);
  EXPECT_FALSE(kept("GET / HTTP/1.1\r\n\r\n").can_be_sent) << "hpp refuses a request without Host";
}

TEST(MessageOf, EndsTheConnectionAndKeepsTheFields) {
  EXPECT_EQ(message_of(kept("GET http://localhost:8000/a HTTP/1.1\r\nHost: localhost:8000\r\n"
                            "If-None-Match: \"x\"\r\nKeep-Alive: 5\r\nTE: trailers\r\n\r\n")),
            "GET /a HTTP/1.1\r\nHost: localhost:8000\r\nIf-None-Match: \"x\"\r\n"
            "Connection: close\r\n\r\n");
  EXPECT_EQ(message_of(kept("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(message_of(kept("GET / HTTP/1.0\r\n\r\n")),
            "GET / HTTP/1.0\r\nConnection: close\r\n\r\n");
}

TEST(CurlOf, IsACommandLine) {
  const std::string url = "http://localhost:8000";
  EXPECT_EQ(curl_of(kept("GET /a?b='c' HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nEmpty:\r\n\r\n"), url),
            "curl \\\n  --header 'Accept: */*' \\\n  --header 'Empty;' \\\n"
            "  'http://localhost:8000/a?b='\\''c'\\'''");
  EXPECT_EQ(curl_of(kept("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"), url),
            "curl --head \\\n  http://localhost:8000/");
  EXPECT_EQ(curl_of(kept("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"), url),
            "curl --request DELETE \\\n  http://localhost:8000/");
  EXPECT_EQ(curl_of(kept(kPost, "{\"a\":1}"), url),
            "curl \\\n  --header 'Content-Type: application/json' \\\n  --header 'Cookie: s=1' \\\n"
            "  --data-raw '{\"a\":1}' \\\n  'http://localhost:8000/items?a=1'");
}

TEST(CurlOf, ABinaryBodyComesFromPrintf) {
  const KeptRequest request =
      kept("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n", std::string("a\0%'", 4));
  EXPECT_EQ(curl_of(request, "http://localhost"),
            "printf 'a\\000\\045\\047' | curl --request PUT \\\n  --header 'Content-Type:' \\\n"
            "  --data-binary @- \\\n  http://localhost/");
}

TEST(KeptFields, AreThoseOfRequestsAndAnswers) {
  const KeptFields expected{{"A", "b"}};
  EXPECT_EQ(kept_fields("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), expected);
  EXPECT_EQ(kept_fields("GET / HTTP/1.1\r\nA: b\r\n\r\n"), expected);
  EXPECT_EQ(kept_fields("nonsense"), KeptFields{});
}

}  // namespace
}  // namespace hpp::proxyd
