#include "proxyd/core/http/parser.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

constexpr auto feed = hpp::proxyd::feed<RequestParser>;

Outcome feed_in_every_way(const std::string& text) {
  return hpp::proxyd::feed_in_every_way<RequestParser>(text);
}

TEST(RequestParser, ReadsWhatBrowsersSend) {
  const std::string text =
      "GET /a?b=c HTTP/1.1\r\nHost: localhost:8000\r\nset-cookie: 1\r\nSet-Cookie:  2 \r\n"
      "X-Empty:\r\n\r\n";
  EXPECT_EQ(feed_in_every_way(text),
            (Outcome{"head", text.size(),
                     "GET /a?b=c 1|Host=localhost:8000|set-cookie=1|Set-Cookie=2|X-Empty="}));
}

TEST(RequestParser, TakesOnlyTheHead) {
  const std::string head = "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(feed(head + "abcGET /", {head.size() + 8}),
            (Outcome{"head", head.size(), "POST / 0|Content-Length=3"}));
}

TEST(RequestParser, SkipsEmptyLinesBeforeARequest) {
  const std::string text = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(feed_in_every_way(text), (Outcome{"head", text.size(), "GET / 1|Host=a"}));
}

TEST(RequestParser, RefusesWithTheReason) {
  const std::pair<std::string, const char*> cases[] = {
      {"GET / HTTP/1.1\nHost: a\n\n", "CR LF"},
      {"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: b" + std::string(1, '\0') + "c\r\n\r\n", "value"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", "folded"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n", "folded"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX:\r\n 2\r\n\r\n", "folded"},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "name"},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "name"},
      {"GET / HTTP/1.1\r\n: a\r\n\r\n", "name"},
      {"GET / HTTP/1.1\r\nHost\r\n\r\n", "name"},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "HTTP/1"},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "HTTP/1"},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", "HTTP/1"},
      {"GET /\r\nHost: a\r\n\r\n", ""},
      {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "method"},
      {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "begin with a method"},
      {"\x16\x03\x01\x02", "not https"},
  };
  for (const auto& [text, why] : cases) {
    const Outcome outcome = feed(text, {text.size()});
    EXPECT_EQ(outcome.kind, "refused") << text;
    EXPECT_EQ(outcome.size, 400u) << text;
    EXPECT_NE(outcome.detail.find(why), std::string::npos) << text << ": " << outcome.detail;
    EXPECT_EQ(feed(text, byte_by_byte(text.size())).kind, "refused") << text;
  }
}

TEST(RequestParser, AcceptsHeadsUpTo64KiB) {
  const auto head_of = [](std::size_t size) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    // Several fields, because Beast limits the size of one field.
    while (size - text.size() - 4 > 9000) text += "A: " + std::string(8000, 'a') + "\r\n";
    text += "A: " + std::string(size - text.size() - 7, 'a') + "\r\n\r\n";
    return text;
  };
  const std::string largest = head_of(kHeadSizeMax);
  ASSERT_EQ(largest.size(), kHeadSizeMax);
  EXPECT_EQ(feed(largest, {largest.size()}).kind, "head");
  EXPECT_EQ(feed(largest, {1000, 30000, 65535, 65536}).kind, "head");
  const std::string larger = head_of(kHeadSizeMax + 1);
  for (const auto& ends : {std::vector<std::size_t>{larger.size()},
                           std::vector<std::size_t>{100, 65536, larger.size()}}) {
    const Outcome outcome = feed(larger, ends);
    EXPECT_EQ(outcome.kind, "refused");
    EXPECT_EQ(outcome.size, 431u);
  }
}

// RFC 9110 §15.5.15.
TEST(RequestParser, RefusesATooLongTargetWith414) {
  for (const std::string behind : {"", " HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    const std::string text = "GET /" + std::string(kHeadSizeMax, 'a') + behind;
    EXPECT_EQ(feed(text, {text.size()}).size, 414u);
    EXPECT_EQ(feed(text, {1000, kHeadSizeMax}).size, 414u);
  }
  std::string text = "GET /" + std::string(kHeadSizeMax / 2 - 20, 'a') + " HTTP/1.1\r\nA: ";
  text += std::string(kHeadSizeMax, 'b');
  EXPECT_EQ(feed(text, {text.size()}).size, 431u);
}

TEST(RequestParser, Refuses257Fields) {
  std::string text = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 256; ++i) text += "A: b\r\n";
  EXPECT_EQ(feed(text + "\r\n", {text.size() + 2}).kind, "head");
  text += "A: b\r\n\r\n";
  EXPECT_EQ(feed(text, {text.size()}).size, 431u);
}

ChunkedBody read_body(const std::string& text, std::size_t piece) {
  return read_chunks<RequestParser>("POST / HTTP/1.1", text, piece);
}

ChunkedBody read_body_in_every_way(const std::string& text) {
  const ChunkedBody whole = read_body(text, text.size());
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    EXPECT_EQ(read_body(text, piece), whole) << piece << " bytes at a time";
  }
  return whole;
}

TEST(Chunks, AreReadHoweverTheTextIsSplit) {
  const std::string extended = "5\r\nhello\r\n6;a=b;c=\"d\"\r\n world\r\n0\r\n\r\n";
  EXPECT_EQ(read_body_in_every_way(extended + "GET /"),
            (ChunkedBody{extended, "hello world", "GET /", ""}));
  EXPECT_EQ(read_body_in_every_way("0\r\n\r\n"), (ChunkedBody{"0\r\n\r\n", "", "", ""}));
  const std::string trailers = "00A\r\n0123456789\r\n000;x\r\nT: 1\r\nU: 2\r\n\r\n";
  EXPECT_EQ(read_body_in_every_way(trailers + "X"), (ChunkedBody{trailers, "0123456789", "X", ""}));
}

TEST(Chunks, BrokenOnesAreRefusedHoweverTheTextIsSplit) {
  for (const std::string text :
       {"x\r\n", "5\r\nhelloX\r\n", "5\nhello\r\n", "-1\r\n", "+5\r\nhello\r\n", " 5\r\nhello\r\n",
        "0x5\r\nhello\r\n", "5 \r\nhello\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n", "\r\n",
        "5;=b\r\nhello\r\n", "0\r\nT : 1\r\n\r\n", "0\r\nT: 1\r\n 2\r\n\r\n"}) {
    // A line that begins like a last chunk is only judged when its end has arrived.
    const ChunkedBody body = read_body_in_every_way(text + "\r\n\r\n");
    EXPECT_NE(body.error, "") << text;
    EXPECT_NE(body.error, "incomplete") << text;
  }
}

TEST(Chunks, AChunkLineMustNotHaveControlCharacters) {
  for (const std::string extension :
       {"\"\x01\"", "\"\\\x7f\"", "\"\r\"", "\"\n\"", "\"\\\n\"", "\n"}) {
    for (const std::string size : {"5;a=", "0;a="}) {
      const ChunkedBody body = read_body_in_every_way(size + extension + "\r\n\r\n");
      EXPECT_NE(body.error.find("characters"), std::string::npos) << size << extension;
    }
  }
  EXPECT_EQ(read_body_in_every_way("1;a=\"\\\"\t\xe4\"\r\nx\r\n0\r\n\r\n").payload, "x");
}

TEST(Chunks, AChunkLineHasALimit) {
  const std::string text = "5;" + std::string(kHeadSizeMax, 'a');
  EXPECT_NE(read_body(text, text.size()).error.find("64 KiB"), std::string::npos);
}

TEST(Chunks, TrailersWithBareLineFeedsAreRefusedAtOnce) {
  for (const std::string text : {"0\r\nA: b\n\n", "0\r\nA: b\r\n\n", "0\r\n\n"}) {
    EXPECT_EQ(read_body_in_every_way(text).error, "a line does not end with CR LF") << text;
  }
}

TEST(Chunks, ATrailerMustNotBeAFieldOfFraming) {
  for (const std::string trailer : {"Content-Length: 5", "transfer-encoding: chunked"}) {
    for (const std::string before : {"", "A: b\r\n"}) {
      const std::string text = "0\r\n" + before + trailer + "\r\n\r\n";
      EXPECT_EQ(read_body_in_every_way(text).error,
                "a trailer is named Content-Length or Transfer-Encoding")
          << text;
    }
  }
}

TEST(Chunks, TrailersHaveALimitEvenIfTheyArriveAtOnce) {
  const std::string text = "0\r\nA: " + std::string(kHeadSizeMax, 'a') + "\r\n\r\n";
  EXPECT_NE(read_body(text, text.size()).error.find("64 KiB"), std::string::npos);
}

}  // namespace
}  // namespace hpp::proxyd
