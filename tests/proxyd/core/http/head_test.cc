#include "proxyd/core/http/head.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

std::variant<RequestFacts, Refused> judge(const std::string& text) {
  RequestParser parser;
  parser.start();
  const HeadResult result = parser.read_head(text);
  if (const auto* refused = std::get_if<Refused>(&result)) return *refused;
  EXPECT_TRUE(std::holds_alternative<HeadRead>(result)) << text;
  return judge_request(parser.head());
}

RequestFacts request(const std::string& lines, const std::string& start = "GET / HTTP/1.1") {
  const auto judged = judge(start + "\r\nHost: a\r\n" + lines + "\r\n");
  const auto* facts = std::get_if<RequestFacts>(&judged);
  EXPECT_NE(facts, nullptr) << std::get<Refused>(judged).why;
  return facts != nullptr ? *facts : RequestFacts{};
}

ResponseFacts response(const std::string& text, const RequestFacts& to = {}) {
  const auto judged = judge_response(*ParsedResponse(text), to);
  const auto* facts = std::get_if<ResponseFacts>(&judged);
  EXPECT_NE(facts, nullptr) << text << std::get<Refused>(judged).why;
  return facts != nullptr ? *facts : ResponseFacts{};
}

TEST(RequestHead, AcceptSelectsTheMediaTypeOfAnOwnAnswer) {
  const auto wanted = [](const std::string& accept) {
    return request("Accept: " + accept + "\r\n").wanted;
  };
  EXPECT_EQ(request("Accept: text/html;q=0.5\r\nAccept: application/json\r\n").wanted,
            Wanted::Json);
  EXPECT_EQ(request("").wanted, Wanted::Any);
  EXPECT_EQ(wanted("*/*"), Wanted::Any);
  EXPECT_EQ(wanted("image/avif,image/webp,*/*;q=0.8"), Wanted::Any);
  EXPECT_EQ(wanted("text/html,application/xhtml+xml,application/json;q=0.9"), Wanted::Html);
  EXPECT_EQ(wanted("application/json, text/plain, */*"), Wanted::Json);
  EXPECT_EQ(wanted("Text/Plain;q=1, text/html"), Wanted::Text);
}

TEST(RequestHead, ANavigationAcceptsHtml) {
  const std::string navigation = "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n";
  EXPECT_TRUE(request(navigation + "Accept: text/html, */*;q=0.8\r\n").is_navigation);
  EXPECT_TRUE(request("Accept: text/html\r\n").is_navigation);
  EXPECT_FALSE(request(navigation + "Accept: application/json\r\n").is_navigation);
  EXPECT_FALSE(request("Accept: text/html\r\nSec-Fetch-Mode: cors\r\n").is_navigation);
}

TEST(RequestHead, Framing) {
  EXPECT_EQ(request("").framing, Framing::None);
  EXPECT_EQ(request("Content-Length: 0\r\n", "POST / HTTP/1.1").framing, Framing::None);
  const RequestFacts length = request("Content-Length: 12\r\n", "POST / HTTP/1.1");
  EXPECT_EQ(length.framing, Framing::Length);
  EXPECT_EQ(length.length, 12u);
  EXPECT_EQ(request("Transfer-Encoding: Chunked\r\n", "POST / HTTP/1.1").framing, Framing::Chunked);
}

TEST(RequestHead, SmugglingIsRefused) {
  const char* const cases[] = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5\r\nContent-Length: 5\r\n",
      "Content-Length: 5, 6\r\n",
      "Content-Length: 5, 5\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: -5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5 5\r\n",
      "Content-Length:\r\n",
      "Content-Length: 18446744073709551616\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Transfer-Encoding: chunked, gzip\r\n",
      "Transfer-Encoding: chunked, chunked\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: identity\r\n",
      "Transfer-Encoding:\r\n",
      "Host: b\r\n",
  };
  for (const std::string lines : cases) {
    const auto judged = judge("POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
    const auto* refused = std::get_if<Refused>(&judged);
    ASSERT_NE(refused, nullptr) << lines;
    EXPECT_EQ(refused->status, 400) << lines;
    EXPECT_NE(refused->why, "") << lines;
  }
  EXPECT_TRUE(std::holds_alternative<Refused>(
      judge("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")));
}

TEST(RequestHead, NeedsExactlyOneValidHost) {
  EXPECT_TRUE(std::holds_alternative<Refused>(judge("GET / HTTP/1.1\r\n\r\n")));
  EXPECT_TRUE(std::holds_alternative<RequestFacts>(judge("GET / HTTP/1.0\r\n\r\n")));
  for (const std::string host :
       {"a b",    "a/b",  "u@a",   "a,b",  "a?b",      "a#b",  "a\\b",
        "a:b",    "a:-1", "a:1:2", "a\"b", "<a>",      "::1",  "[::1",
        "[::1]a", "[u@]", "a%zz",  "a%4",  "\xc3\xa4", "a:1]", "[::1]:x"}) {
    EXPECT_TRUE(
        std::holds_alternative<Refused>(judge("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n")))
        << host;
  }
  for (const std::string host :
       {"", "a", "a:", "a:80", "[::1]", "[::1]:80", "[fe80::1%eth0]:1", "a_b.c", "a%20b", "a;b"}) {
    EXPECT_TRUE(
        std::holds_alternative<RequestFacts>(judge("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n")))
        << host;
  }
}

TEST(RequestHead, TargetForms) {
  for (const std::string start : {"GET / HTTP/1.1", "GET //x HTTP/1.1", "GET http://a/b HTTP/1.1",
                                  "OPTIONS * HTTP/1.1", "GET HTTPS://a HTTP/1.1"}) {
    EXPECT_TRUE(std::holds_alternative<RequestFacts>(judge(start + "\r\nHost: a\r\n\r\n")))
        << start;
  }
  for (const std::string start :
       {"GET * HTTP/1.1", "GET a HTTP/1.1", "GET http:// HTTP/1.1", "GET ftp://a/ HTTP/1.1",
        "GET http:///b HTTP/1.1", "GET http://:80/ HTTP/1.1", "GET http://u@a/ HTTP/1.1",
        "GET http://a\\b/ HTTP/1.1"}) {
    EXPECT_TRUE(std::holds_alternative<Refused>(judge(start + "\r\nHost: a\r\n\r\n"))) << start;
  }
  const auto connect = judge("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
  EXPECT_EQ(std::get<Refused>(connect).status, 501);
}

TEST(RequestHead, TargetAndHostMustAgree) {
  const auto is_accepted = [](const std::string& target, const std::string& host) {
    return std::holds_alternative<RequestFacts>(
        judge("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"));
  };
  EXPECT_TRUE(is_accepted("http://a/", "a"));
  EXPECT_TRUE(is_accepted("http://A?b", "a"));
  EXPECT_TRUE(is_accepted("http://a:80/", "a"));
  EXPECT_TRUE(is_accepted("http://a", "a:80"));
  EXPECT_TRUE(is_accepted("https://a/", "a:443"));
  EXPECT_TRUE(is_accepted("http://[::1]:8000/", "[::1]:8000"));
  EXPECT_FALSE(is_accepted("http://b/", "a"));
  EXPECT_FALSE(is_accepted("http://a/", ""));
  EXPECT_FALSE(is_accepted("http://a:81/", "a"));
  EXPECT_FALSE(is_accepted("http://a:443/", "a"));
  EXPECT_TRUE(std::holds_alternative<RequestFacts>(judge("GET http://a/ HTTP/1.0\r\n\r\n")));
}

TEST(RequestHead, KeepAlive) {
  EXPECT_TRUE(request("").keeps_alive);
  EXPECT_FALSE(request("Connection: close\r\n").keeps_alive);
  EXPECT_FALSE(request("Connection: Foo , CLOSE\r\n").keeps_alive);
  EXPECT_FALSE(request("", "GET / HTTP/1.0").keeps_alive);
  EXPECT_TRUE(request("Connection: keep-alive\r\n", "GET / HTTP/1.0").keeps_alive);
}

TEST(RequestHead, UpgradeNeedsBothFields) {
  EXPECT_TRUE(request("Connection: Upgrade\r\nUpgrade: websocket\r\n").asks_upgrade);
  EXPECT_TRUE(request("Connection: keep-alive, upgrade\r\nUpgrade: x\r\n").asks_upgrade);
  EXPECT_FALSE(request("Upgrade: websocket\r\n").asks_upgrade);
  EXPECT_FALSE(request("Connection: Upgrade\r\n").asks_upgrade);
  EXPECT_FALSE(request("Connection: Upgrade\r\nUpgrade: ,\r\n").asks_upgrade);
  EXPECT_FALSE(request("Connection: Upgrade\r\nUpgrade: x\r\n", "GET / HTTP/1.0").asks_upgrade);
}

TEST(RequestHead, ARequestForHttp2IsNoUpgrade) {
  const std::string connection = "Connection: Upgrade, HTTP2-Settings\r\n";
  EXPECT_FALSE(request(connection + "Upgrade: h2c\r\n").asks_upgrade);
  EXPECT_FALSE(request(connection + "Upgrade: H2C\r\nUpgrade: h2c,\r\n").asks_upgrade);
  EXPECT_TRUE(request(connection + "Upgrade: h2c, websocket\r\n").asks_upgrade);
}

TEST(RequestHead, SafeMethods) {
  for (const std::string method : {"GET", "HEAD", "OPTIONS", "TRACE"}) {
    EXPECT_TRUE(request("", method + " / HTTP/1.1").is_safe) << method;
  }
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "get", "X"}) {
    EXPECT_FALSE(request("", method + " / HTTP/1.1").is_safe) << method;
  }
}

TEST(ResponseHead, FramingInTheOrderOfRfc9112) {
  const RequestFacts head{.is_head = true};

  struct Case {
    const char* text;
    RequestFacts to;
    Framing framing;
    bool keeps_alive;
  };

  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", {}, Framing::Length, true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {}, Framing::None, true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", head, Framing::None, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", head, Framing::None, true},
      {"HTTP/1.1 200 OK\r\n\r\n", head, Framing::None, true},
      {"HTTP/1.1 100 Continue\r\n\r\n", {}, Framing::None, true},
      {"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", {}, Framing::None, true},
      {"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", {}, Framing::None, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {}, Framing::Chunked, true},
      {"HTTP/1.1 200 OK\r\n\r\n", {}, Framing::UntilClose, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", {}, Framing::Length, false},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
       {},
       Framing::Length,
       false},
      {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\n",
       {},
       Framing::Length,
       true},
  };
  for (const Case& c : cases) {
    const ResponseFacts facts = response(c.text, c.to);
    EXPECT_EQ(facts.framing, c.framing) << c.text;
    EXPECT_EQ(facts.keeps_alive, c.keeps_alive) << c.text;
  }
}

// RFC 9112 §6.3; nginx and HAProxy read all of these in the same way.
TEST(ResponseHead, UnambiguousFramingIsAccepted) {
  using enum Defect;

  struct Case {
    std::string lines;
    Framing framing;
    std::initializer_list<Defect> defects;
    const char* start = "HTTP/1.1 200 OK";
  };

  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string five = "Content-Length: 5\r\n";
  const Case cases[] = {
      {five, Framing::Length, {}},
      {chunked, Framing::Chunked, {}},
      {five + chunked, Framing::Chunked, {LengthWithChunked}},
      {chunked + "Content-Length: 0\r\n", Framing::Chunked, {LengthWithChunked}},
      {chunked, Framing::Chunked, {ChunkedInHttp10}, "HTTP/1.0 200 OK"},
      {five + chunked, Framing::Chunked, {ChunkedInHttp10, LengthWithChunked}, "HTTP/1.0 200 OK"},
      {five + five, Framing::Length, {RepeatedLength}},
      {five + "content-length:  005\r\n", Framing::Length, {RepeatedLength}},
      {"Content-Length: 5, 5\r\n", Framing::Length, {RepeatedLength}},
      {"Content-Length: 5 ,\t5,5\r\n", Framing::Length, {RepeatedLength}},
      {"Transfer-Encoding: chunked,\r\n", Framing::Chunked, {OddTransferEncoding}},
      {"Transfer-Encoding: , CHUNKED\r\n", Framing::Chunked, {OddTransferEncoding}},
      {five + "Transfer-Encoding:\r\n", Framing::Length, {OddTransferEncoding}},
  };
  for (const Case& c : cases) {
    const std::string text = std::string(c.start) + "\r\n" + c.lines + "\r\n";
    const ResponseFacts facts = response(text);
    Defects defects;
    for (const Defect defect : c.defects) defects.add(defect);
    EXPECT_EQ(facts.framing, c.framing) << text;
    EXPECT_EQ(facts.is_chunked, c.framing == Framing::Chunked) << text;
    EXPECT_EQ(facts.defects, defects) << text;
    if (facts.framing == Framing::Length) {
      EXPECT_EQ(facts.length, 5u) << text;
    }
  }
}

// RFC 9112 §6.1.
TEST(ResponseHead, ChunksInHttp10EndTheConnection) {
  const std::string fields = "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_FALSE(response("HTTP/1.0 200 OK\r\n" + fields).keeps_alive);
  EXPECT_TRUE(response("HTTP/1.1 200 OK\r\n" + fields).keeps_alive);
}

TEST(ResponseHead, FactsIncludeTheParsersDefects) {
  EXPECT_TRUE(response("HTTP/1.1 200 OK\nA: b\n\n").defects.has(Defect::BareLineFeed));
}

TEST(ResponseHead, RefusesInvalidAnswers) {
  struct Case {
    std::string lines;
    const char* why;
  };

  const Case cases[] = {
      {"Content-Length: 5, 6", "Content-Length is 5 and also 6"},
      {"Content-Length: 5\r\nContent-Length: 6", "Content-Length is 5 and also 6"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\nContent-Length: 6", "5 and also 6"},
      {"Content-Length: 5,", "not a valid number: '5,'"},
      {"Content-Length: ,5", "not a valid number: ',5'"},
      {"Content-Length:", "not a valid number: ''"},
      {"Content-Length: +5", "not a valid number: '+5'"},
      {"Content-Length: -5", "not a valid number: '-5'"},
      {"Content-Length: 5 5", "not a valid number: '5 5'"},
      {"Content-Length: 0x5", "not a valid number: '0x5'"},
      {"Content-Length: 18446744073709551616", "not a valid number"},
      {"Transfer-Encoding: gzip", "Transfer-Encoding is 'gzip'"},
      {"Transfer-Encoding: gzip, chunked", "Transfer-Encoding is 'gzip, chunked'"},
      {"Transfer-Encoding: chunked, gzip", "Transfer-Encoding is 'chunked, gzip'"},
      {"Transfer-Encoding: identity", "Transfer-Encoding is 'identity'"},
      {"Transfer-Encoding: chunked, chunked", "chunked twice"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "chunked twice"},
  };
  for (const Case& c : cases) {
    const std::string text = "HTTP/1.1 200 OK\r\n" + c.lines + "\r\n\r\n";
    ResponseParser parser;
    parser.start();
    ASSERT_EQ(parser.read_head(text), HeadResult(HeadRead{text.size()}));
    const auto judged = judge_response(parser.head(), {});
    ASSERT_TRUE(std::holds_alternative<Refused>(judged)) << text;
    const std::string& why = std::get<Refused>(judged).why;
    EXPECT_NE(why.find(c.why), std::string::npos) << why;
  }
  const std::string text = "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
  ResponseParser parser;
  parser.start();
  ASSERT_EQ(parser.read_head(text), HeadResult(HeadRead{text.size()}));
  EXPECT_TRUE(std::holds_alternative<Refused>(judge_response(parser.head(), {})));
}

TEST(ResponseHead, EventStreams) {
  EXPECT_TRUE(response("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n")
                  .is_event_stream);
  EXPECT_FALSE(response("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n").is_event_stream);
}

}  // namespace
}  // namespace hpp::proxyd
