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

  ResponseParser parser;
  ResponseBody body{parser};
  Buffer from;
  Buffer to;
};

TEST(Pump, MovesTheLengthAndLeavesTheRest) {
  Source source(Framing::Length, 5);
  source.from.append("helloHTTP/1.1");
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::AsItCame), Pumped::Over);
  EXPECT_EQ(content(source.to), "hello");
  EXPECT_EQ(content(source.from), "HTTP/1.1");
}

TEST(Pump, CorrectsMalformedChunks) {
  Source source(Framing::Chunked);
  source.from.append("3\r\nabc\r\n2 \n");
  source.from.append("de\n1\r\nf\r\n0\n\nHTTP");
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::AsItCame), Pumped::Over);
  EXPECT_EQ(content(source.to), "3\r\nabc\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n");
  EXPECT_EQ(content(source.from), "HTTP");
}

TEST(Pump, ContinuesWhenMoreArrives) {
  Source source(Framing::Length, 10);
  source.from.append("hello");
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::AsItCame), Pumped::MayGoOn);
  source.from.append("world");
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::AsItCame), Pumped::Over);
  EXPECT_EQ(content(source.to), "helloworld");
}

TEST(Pump, StopsWhenTheDestinationIsFull) {
  Source source(Framing::Length, 10 * kOutputMax);
  source.to.append(std::string(kOutputMax, 'x'));
  source.from.append("hello");
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::AsItCame), Pumped::MayGoOn);
  EXPECT_EQ(source.to.size(), kOutputMax);
  EXPECT_EQ(content(source.from), "hello");
}

TEST(Pump, ReportsTheEndEvenIfTheDestinationIsFull) {
  Source source(Framing::Length, kOutputMax);
  source.from.append(std::string(kOutputMax, 'x'));
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::AsItCame), Pumped::Over);
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
  source.from.append("hello");
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::Chunk), Pumped::MayGoOn);
  source.from.append(std::string(26, 'x'));
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::Chunk), Pumped::MayGoOn);
  append_last_chunk(source.to);
  EXPECT_EQ(content(source.to), "5\r\nhello\r\n1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
}

TEST(Pump, ReportsBrokenFraming) {
  Source source(Framing::Chunked);
  source.from.append("5\r\nhelloXXXX");
  EXPECT_EQ(pump(source.from, source.to, source.body, Coding::AsItCame), Pumped::Broken);
}

}  // namespace
}  // namespace hpp::proxyd
