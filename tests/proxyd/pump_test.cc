#include "proxyd/pump.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace hpp::proxyd {
namespace {

using Coding = Delivery::Coding;

std::string content(Buffer& buffer) {
  return std::string(buffer.pull_up(buffer.size()));
}

// A response body, whose head was read.
struct Source {
  explicit Source(Framing framing, std::uint64_t length = 0, bool keep_framing = true) {
    parser.start();
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_TRUE(std::holds_alternative<HeadRead>(parser.read_head(head)));
    body.begin(framing, length, keep_framing);
  }

  Pumped take(std::string_view text, Coding coding = Coding::AsItCame) {
    from.append(text);
    return pump(from, to, body, coding, &copy);
  }

  ResponseParser parser;
  ResponseBody body{parser};
  Buffer from;
  Buffer to;
  BodyCopy copy;
};

TEST(Pump, MovesTheLengthAndLeavesTheRest) {
  Source source(Framing::Length, 5);
  EXPECT_EQ(source.take("helloHTTP/1.1"), Pumped::Over);
  EXPECT_EQ(content(source.to), "hello");
  EXPECT_EQ(content(source.from), "HTTP/1.1");
}

TEST(Pump, CorrectsMalformedChunks) {
  Source source(Framing::Chunked);
  source.from.append("3\r\nabc\r\n2 \n");
  EXPECT_EQ(source.take("de\n1\r\nf\r\n0\n\nHTTP"), Pumped::Over);
  EXPECT_EQ(content(source.to), "3\r\nabc\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n");
  EXPECT_EQ(content(source.from), "HTTP");
}

TEST(Pump, ContinuesWhenMoreArrives) {
  Source source(Framing::Length, 10);
  EXPECT_EQ(source.take("hello"), Pumped::MayGoOn);
  EXPECT_EQ(source.take("world"), Pumped::Over);
  EXPECT_EQ(content(source.to), "helloworld");
}

TEST(Pump, StopsWhenTheDestinationIsFull) {
  Source source(Framing::Length, 10 * kOutputMax);
  source.to.append(std::string(kOutputMax, 'x'));
  EXPECT_EQ(source.take("hello"), Pumped::MayGoOn);
  EXPECT_EQ(source.to.size(), kOutputMax);
  EXPECT_EQ(content(source.from), "hello");
}

TEST(Pump, ReportsTheEndEvenIfTheDestinationIsFull) {
  Source source(Framing::Length, kOutputMax);
  EXPECT_EQ(source.take(std::string(kOutputMax, 'x')), Pumped::Over);
}

TEST(Pump, ReadsChunkLinesInTwoPieces) {
  Source source(Framing::Chunked, 0, /*keep_framing=*/false);
  // The pieces become separate chains of the evbuffer.
  Buffer piece;
  for (const char* text : {"5;ext", "=1\r", "\nhel", "lo\r\n", "0\r\nT", ": 1\r\n", "\r\nHTTP"}) {
    piece.append(text);
    piece.move_to(source.from, piece.size());
  }
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::Dechunk), Pumped::Over);
  EXPECT_EQ(content(source.to), "hello");
  EXPECT_EQ(content(source.from), "HTTP");
}

TEST(Pump, ChunksABodyThatEndsWithTheConnection) {
  Source source(Framing::UntilClose);
  EXPECT_EQ(source.take("hello", Coding::Chunk), Pumped::MayGoOn);
  EXPECT_EQ(source.take(std::string(26, 'x'), Coding::Chunk), Pumped::MayGoOn);
  append_last_chunk(source.to);
  EXPECT_EQ(content(source.to), "5\r\nhello\r\n1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
}

TEST(Pump, CopiesTheBodyAsItCame) {
  Source length(Framing::Length, 5);
  length.take("hel");
  length.take("loHTTP/1.1");
  EXPECT_EQ(length.copy.text(), "hello");
  Source closed(Framing::UntilClose);
  closed.take("hello", Coding::Chunk);
  EXPECT_EQ(closed.copy.text(), "hello");
}

// An HTTP/1.0 client gets the body without framing.
TEST(Pump, CopiesFramingThatItDoesNotPassOn) {
  const std::string chunks = "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n";
  for (const bool keep_framing : {true, false}) {
    Source source(Framing::Chunked, 0, keep_framing);
    const Coding coding = keep_framing ? Coding::AsItCame : Coding::Dechunk;
    EXPECT_EQ(source.take(chunks + "HTTP", coding), Pumped::Over);
    EXPECT_EQ(content(source.to), keep_framing ? chunks : "abcde");
    EXPECT_EQ(source.copy.text(), chunks);
  }
}

TEST(Pump, CopiesCorrectedFraming) {
  for (const bool keep_framing : {true, false}) {
    Source source(Framing::Chunked, 0, keep_framing);
    source.take("2 \nde\n0\n\nHTTP", keep_framing ? Coding::AsItCame : Coding::Dechunk);
    EXPECT_EQ(source.copy.text(), "2\r\nde\r\n0\r\n\r\n");
  }
}

TEST(Pump, ReportsBrokenFraming) {
  Source source(Framing::Chunked);
  EXPECT_EQ(source.take("5\r\nhelloXXXX"), Pumped::Broken);
}

}  // namespace
}  // namespace hpp::proxyd
