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

// A record of a request whose answer is complete, or has ended as `end` says. Its facts are those
// that proxyd learns from the heads.
RequestRecord answered(const std::string& head, const std::string& body,
                       const std::string& request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                       RequestRecord::End end = RequestRecord::End::Completed) {
  RequestParser request_parser;
  request_parser.start();
  request_parser.read_head(request);
  ResponseParser parser;
  parser.start();
  parser.read_head(head);
  const auto facts = std::get<RequestFacts>(judge_request(request_parser.head()));
  RequestRecords records(/*keeps=*/true);
  const std::uint64_t id = records.begin(request, TimePoint{});
  records.answered(id, head, std::get<ResponseFacts>(judge_response(parser.head(), facts)));
  records.answer_body_of(id)->add(body);
  records.ended(id, end, TimePoint{});
  return *records.find(id);
}

const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kHeadOnly = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(KeptAnswer, HasItsFieldsAndItsBody) {
  const KeptAnswer answer =
      read_kept_answer(answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "hi"));
  EXPECT_EQ(answer.fields, (KeptFields{{"Content-Length", "2"}}));
  EXPECT_EQ(answer.body, "hi");
  EXPECT_EQ(answer.size, 2U);
}

TEST(KeptAnswer, LosesTheFramingOfItsBody) {
  const KeptAnswer answer =
      read_kept_answer(answered(kChunked, "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n"));
  EXPECT_EQ(answer.body, "abcde");
  EXPECT_EQ(answer.size, 5U);
}

TEST(KeptAnswer, MayEndWithItsConnection) {
  const std::string head = "HTTP/1.0 200 OK\r\n\r\n";
  EXPECT_EQ(read_kept_answer(answered(head, "abc")).body, "abc");
  EXPECT_EQ(read_kept_answer(answered(head, "")).body, "");
}

// A HEAD, 204 and 304 may announce a body that they do not have. The bytes after a 101 are no body.
TEST(KeptAnswer, HasAnEmptyBodyIfTheAnswerHasNone) {
  const std::string length = "Content-Length: 99\r\n\r\n";
  const std::string upgrade =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
  const std::string switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
  for (const RequestRecord& record :
       {answered("HTTP/1.1 200 OK\r\n" + length, "", kHeadOnly), answered(kChunked, "", kHeadOnly),
        answered("HTTP/1.1 204 No Content\r\n\r\n", ""),
        answered("HTTP/1.1 304 Not Modified\r\n" + length, ""),
        answered("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        answered(switching, "", upgrade, RequestRecord::End::Open),
        answered(switching, "", upgrade, RequestRecord::End::Cut)}) {
    const KeptAnswer answer = read_kept_answer(record);
    EXPECT_EQ(answer.body, "") << record.answer;
    EXPECT_EQ(answer.size, 0U) << record.answer;
  }
}

TEST(KeptAnswer, HasNoBodyIfItIsIncomplete) {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
  for (const auto end : {RequestRecord::End::Open, RequestRecord::End::Cut}) {
    for (const RequestRecord& record :
         {answered("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "ab", request, end),
          answered(kChunked, "3\r\nabc\r\n", request, end),
          answered(stream, "data: 1\n\n", request, end)}) {
      const KeptAnswer answer = read_kept_answer(record);
      EXPECT_FALSE(answer.fields.empty());
      EXPECT_EQ(answer.body, std::nullopt) << record.answer;
      EXPECT_EQ(answer.size, std::nullopt) << record.answer;
    }
  }
}

TEST(KeptAnswer, HasNoBodyIfItIsLong) {
  const std::string body(kBodyKept + 1, 'x');
  const KeptAnswer length = read_kept_answer(answered(
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n", ""));
  EXPECT_EQ(length.body, std::nullopt);
  EXPECT_EQ(length.size, body.size()) << "the head says it";
  const KeptAnswer stream = read_kept_answer(
      answered("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", body));
  EXPECT_EQ(stream.body, std::nullopt);
  EXPECT_EQ(stream.size, std::nullopt);
}

TEST(KeptAnswer, IsEmptyWithoutAnAnswerOfTheBackend) {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const RequestRecord& record :
       {record(request), answered(kChunked, "3\r\nabc", request, RequestRecord::End::Own)}) {
    const KeptAnswer answer = read_kept_answer(record);
    EXPECT_EQ(answer.fields, KeptFields{});
    EXPECT_EQ(answer.body, std::nullopt);
    EXPECT_EQ(answer.size, std::nullopt);
  }
}

}  // namespace
}  // namespace hpp::proxyd
