#include "proxyd/tag_pump.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace hpp::proxyd {
namespace {

using Coding = Delivery::Coding;

std::string content(Buffer& buffer) {
  return std::string(buffer.pull_up(buffer.size()));
}

// Moves a body as Client does: with a TagPump up to the tag, then with pump().
struct Way {
  explicit Way(Framing framing, std::uint64_t length = 0, Coding how = Coding::AsItCame)
      : coding(how), tag_pump("[tag]", framing, how) {
    parser.start();
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_TRUE(std::holds_alternative<HeadRead>(parser.read_head(head)));
    body.begin(framing, length, /*keep_framing=*/false);
  }

  Pumped take(std::string_view text) {
    Buffer piece;  // a separate chain
    piece.append(text);
    piece.move_to(from, piece.size());
    const Pumped pumped = tag_pump.pump(from, to, body, &copy);
    if (!tag_pump.is_done()) return pumped;
    return pump(from, to, body, coding, &copy);
  }

  Coding coding;
  ResponseParser parser;
  ResponseBody body{parser};
  TagPump tag_pump;
  Buffer from;
  Buffer to;
  BodyCopy copy;
};

TEST(TagPump, TakesNoByteBeyondTheLength) {
  Way way(Framing::Length, 14);
  EXPECT_EQ(way.take("<head><p>"), Pumped::MayGoOn);
  EXPECT_EQ(content(way.to), "<head>[tag]<p>");
  EXPECT_EQ(way.take("helloHTTP/1.1"), Pumped::Over);
  EXPECT_EQ(content(way.to), "<head>[tag]<p>hello");
  EXPECT_EQ(way.copy.text(), "<head><p>hello");
  EXPECT_EQ(content(way.from), "HTTP/1.1");
}

TEST(TagPump, ADocumentThatEndsUndecidedGetsTheTag) {
  Way length(Framing::Length, 8);
  EXPECT_EQ(length.take("<head><h"), Pumped::Over);
  EXPECT_EQ(content(length.to), "<head>[tag]<h");
  Way closed(Framing::UntilClose, 0, Coding::Chunk);
  EXPECT_EQ(closed.take("<head><h"), Pumped::MayGoOn);
  EXPECT_EQ(content(closed.to), "6\r\n<head>\r\n");
  closed.tag_pump.finish(closed.to);
  EXPECT_TRUE(closed.tag_pump.is_done());
  EXPECT_EQ(content(closed.to), "6\r\n<head>\r\n7\r\n[tag]<h\r\n");
}

TEST(TagPump, HoldsBackAnUndecidedTag) {
  Way way(Framing::Chunked);
  EXPECT_EQ(way.take("3\r\n<he\r\n"), Pumped::MayGoOn);
  EXPECT_EQ(content(way.to), "");
  EXPECT_EQ(way.take("4\r\nad>\n\r\n"), Pumped::MayGoOn);
  EXPECT_EQ(content(way.to), "7\r\n<head>\n\r\n");
}

TEST(TagPump, ChunksAfterTheTagsChunkAreUnchanged) {
  Way way(Framing::Chunked);
  EXPECT_EQ(way.take("9;a=b\r\n<head><p>\r\n3;c=d\r\nabc\r\n0;e\r\nT: u\r\n\r\nHTTP"),
            Pumped::Over);
  EXPECT_EQ(content(way.to), "e\r\n<head>[tag]<p>\r\n3;c=d\r\nabc\r\n0;e\r\nT: u\r\n\r\n");
  EXPECT_EQ(content(way.from), "HTTP");
}

TEST(TagPump, MalformedChunksAreCorrected) {
  Way way(Framing::Chunked);
  EXPECT_EQ(way.take("9\n<head><p>\n3 \r\nabc\n0\nT: u\n\nHTTP"), Pumped::Over);
  EXPECT_EQ(content(way.to), "e\r\n<head>[tag]<p>\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(way.copy.text(), "9\r\n<head><p>\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(content(way.from), "HTTP");
  Way empty(Framing::Chunked);
  EXPECT_EQ(empty.take("0\nT: u\n\n"), Pumped::Over);
  EXPECT_EQ(content(empty.to), "5\r\n[tag]\r\n0\r\n\r\n");
}

// In whichever pieces the bytes arrive, content and trailers are the same, and all chunks complete.
TEST(TagPump, ChunksInAnyPieces) {
  const std::string text = "7\r\n<head>\n\r\n6;x\r\n<title\r\n2\r\n>a\r\n0\r\nT: u\r\n\r\n";
  for (std::size_t at = 0; at <= text.size(); ++at) {
    for (const Coding coding : {Coding::AsItCame, Coding::Dechunk}) {
      Way way(Framing::Chunked, 0, coding);
      way.take(std::string_view(text).substr(0, at));
      EXPECT_EQ(way.take(std::string_view(text).substr(at)), Pumped::Over) << at;
      const std::string sent = content(way.to);
      EXPECT_EQ(way.copy.text(), text) << "without the tag";
      if (coding == Coding::Dechunk) {
        EXPECT_EQ(sent, "<head>\n[tag]<title>a");
        continue;
      }
      ResponseParser parser;
      parser.start();
      parser.read_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      ResponseBody body(parser);
      body.begin(Framing::Chunked, 0, /*keep_framing=*/false);
      Buffer from;
      Buffer to;
      from.append(sent);
      EXPECT_EQ(pump(from, to, body, Coding::Dechunk), Pumped::Over) << at;
      EXPECT_EQ(content(to), "<head>\n[tag]<title>a") << at;
      EXPECT_TRUE(sent.ends_with("0\r\nT: u\r\n\r\n")) << sent;
    }
  }
}

TEST(TagPump, AnEmptyChunkedDocument) {
  Way way(Framing::Chunked);
  EXPECT_EQ(way.take("0\r\nT: u\r\n\r\n"), Pumped::Over);
  EXPECT_EQ(content(way.to), "5\r\n[tag]\r\n0\r\nT: u\r\n\r\n");
}

TEST(TagPump, StopsWhenTheDestinationIsFull) {
  Way way(Framing::Length, 10 * kOutputMax);
  way.to.append(std::string(kOutputMax, 'x'));
  EXPECT_EQ(way.take("hello"), Pumped::MayGoOn);
  EXPECT_EQ(way.to.size(), kOutputMax);
  EXPECT_EQ(content(way.from), "hello");
}

TEST(TagPump, ReportsBrokenFraming) {
  Way way(Framing::Chunked);
  EXPECT_EQ(way.take("6\r\n<head>XXXX"), Pumped::Broken);
}

}  // namespace
}  // namespace hpp::proxyd
