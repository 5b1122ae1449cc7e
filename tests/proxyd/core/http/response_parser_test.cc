#include "proxyd/core/http/response_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

constexpr auto feed = hpp::proxyd::feed<ResponseParser>;

Outcome feed_in_every_way(const std::string& text) {
  return hpp::proxyd::feed_in_every_way<ResponseParser>(text);
}

Defects only(std::initializer_list<Defect> all) {
  Defects defects;
  for (const Defect defect : all) defects.add(defect);
  return defects;
}

TEST(ResponseHeads, ThatAreValidHaveNoDefects) {
  const std::string text =
      "HTTP/1.0 404 Not here, sorry\r\nServer: x\r\nA:\r\nb_c:\t d  e \r\n\r\n";
  EXPECT_EQ(feed_in_every_way(text + "body"),
            (Outcome{"head", text.size(), "404 Not here, sorry 0|Server=x|A=|b_c=d  e", {}}));
  // RFC 9112 §4: a reason may be empty, and may begin with a blank.
  EXPECT_EQ(feed("HTTP/1.1 200 \r\n\r\n", {17}), (Outcome{"head", 17, "200  1", {}}));
  EXPECT_EQ(feed("HTTP/1.1 200  OK\r\n\r\n", {20}), (Outcome{"head", 20, "200  OK 1", {}}));
  // RFC 9110 §2.5: a recipient of HTTP/1.1 also understands HTTP/1.2.
  EXPECT_EQ(feed("HTTP/1.2 999 Mine\r\n\r\n", {21}), (Outcome{"head", 21, "999 Mine 1", {}}));
}

// Each row: the rule, an answer (as sent by curl's test server, Python's CGI, PHP, the tests of
// Node and Express, and old devices), and how it is read.
struct Accepted {
  const char* rule;
  std::string text;
  std::string head;
  Defects defects;
};

const std::vector<Accepted>& accepted() {
  using enum Defect;
  static const std::vector<Accepted> all{
      {"bare LF everywhere (curl's test server)", "HTTP/1.1 200 OK\nServer: x\n\n",
       "200 OK 1|Server=x", only({BareLineFeed})},
      {"bare LF from a CGI script (http.server --cgi)",
       "HTTP/1.0 200 Script output follows\r\nServer: x\r\nContent-type: text/plain\n\n",
       "200 Script output follows 0|Server=x|Content-type=text/plain", only({BareLineFeed})},
      {"bare LF after the status line", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "200 OK 1|A=b",
       only({BareLineFeed})},
      {"bare LF for the empty line", "HTTP/1.1 200 OK\r\nA: b\r\n\n", "200 OK 1|A=b",
       only({BareLineFeed})},
      {"CR LF for the empty line after bare LF", "HTTP/1.1 200 OK\nA: b\n\r\n", "200 OK 1|A=b",
       only({BareLineFeed})},
      {"bare LF and no header", "HTTP/1.1 204 No\n\n", "204 No 1", only({BareLineFeed})},
      {"an empty line before", "\r\nHTTP/1.1 200 OK\r\n\r\n", "200 OK 1", only({EmptyLineBefore})},
      {"several empty lines before", "\n\r\n\nHTTP/1.1 200 OK\r\n\r\n", "200 OK 1",
       only({EmptyLineBefore})},
      {"a status line that ends with the code", "HTTP/1.1 200\r\nServer: x\r\n\r\n",
       "200  1|Server=x", only({StatusLine})},
      {"two blanks before the code", "HTTP/1.1  200 OK\r\n\r\n", "200 OK 1", only({StatusLine})},
      {"a tab before the code", "HTTP/1.1\t200 OK\r\n\r\n", "200 OK 1", only({StatusLine})},
      {"a tab before the reason", "HTTP/1.1 200\tOK\r\n\r\n", "200 OK 1", only({StatusLine})},
      {"HTTP/2.0 in a script's status line", "HTTP/2.0 200 OK\r\n\r\n", "200 OK 1",
       only({StatusLine})},
      {"a control character in the reason", "HTTP/1.1 200 O\x1bK\r\n\r\n", "200 O K 1",
       only({ControlCharacter})},
      {"control characters in a value",
       "HTTP/1.1 200 OK\r\nA: \x01"
       "b\x7f"
       "c\x0b\r\n\r\n",
       "200 OK 1|A=b c", only({ControlCharacter})},
      {"obs-text is no defect", "HTTP/1.1 200 \xe4\r\nA: \xfc\r\n\r\n", "200 \xe4 1|A=\xfc", {}},
      {"a blank before the colon", "HTTP/1.1 200 OK\r\nA : b\r\nC\t : d\r\n\r\n",
       "200 OK 1|A=b|C=d", only({BlankBeforeColon})},
      {"folded (curl's tests)", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td \r\nE: f\r\n\r\n",
       "200 OK 1|A=b c d|E=f", only({Folded})},
      {"folded, the first line empty", "HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\n",
       "200 OK 1|Content-Length=5", only({Folded})},
      {"folded, the second line empty", "HTTP/1.1 200 OK\r\nA: b\r\n \r\n\r\n", "200 OK 1|A=b",
       only({Folded})},
      {"a header in a fold is none", "HTTP/1.1 200 OK\r\nA: b\r\n C: d\r\n\r\n",
       "200 OK 1|A=b C: d", only({Folded})},
      {"folded before the colon", "HTTP/1.1 200 OK\r\nA\r\n : b\r\n\r\n", "200 OK 1|A=b",
       only({Folded, BlankBeforeColon})},
      {"folded with bare LF", "HTTP/1.1 200 OK\nA: b\n c\n\n", "200 OK 1|A=b c",
       only({Folded, BareLineFeed})},
  };
  return all;
}

TEST(ResponseHeads, ThatAreUnambiguousAreAccepted) {
  for (const Accepted& row : accepted()) {
    SCOPED_TRACE(row.rule);
    EXPECT_EQ(feed_in_every_way(row.text + "HTTP"),
              (Outcome{"head", row.text.size(), row.head, row.defects}));
  }
}

TEST(ResponseHeads, ThatAreAmbiguousAreRefusedWithTheReason) {
  struct Row {
    std::string text;
    const char* why;
  };

  const Row rows[] = {
      {"hello\r\n\r\n", "it begins with 'hello' and not with HTTP/1.1"},
      {" HTTP/1.1 200 OK\r\n\r\n", "it begins with ' HTTP/1.1 200 OK' and not"},
      {"http/1.1 200 OK\r\n\r\n", "it begins with 'http/1.1 200 OK' and not"},
      {"ICY 200 OK\r\n\r\n", "it begins with 'ICY 200 OK' and not"},
      {"HTTP/2 200\r\n\r\n", "its status line 'HTTP/2 200' is not of the form"},
      {"HTTP/1.10 200 OK\r\n\r\n", "is not of the form"},
      {"HTTP/0.9 200 OK\r\n\r\n", "is not of the form"},
      {"HTTP 200 OK\r\n\r\n", "it begins with 'HTTP 200 OK' and not"},
      {"HTTP/1.1\r\n\r\n", "is not of the form"},
      {"HTTP/1.1 \r\n\r\n", "is not of the form"},
      {"HTTP/1.1 OK\r\n\r\n", "is not of the form"},
      {"HTTP/1.1 20 OK\r\n\r\n", "is not of the form"},
      {"HTTP/1.1 2000 OK\r\n\r\n", "is not of the form"},
      {"HTTP/1.1 099 OK\r\n\r\n", "is not of the form"},
      {"HTTP/1.1 -20 OK\r\n\r\n", "is not of the form"},
      {"HTTP/1.1 200OK\r\n\r\n", "is not of the form"},
      {std::string("HTTP/1.1 200 O\0K\r\n\r\n", 20), "'HTTP/1.1 200 O?K' has a NUL or a bare CR"},
      {"HTTP/1.1 200 O\rK\r\n\r\n", "has a NUL or a bare CR"},
      {"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", "its header line 'A: b' has a NUL or a bare CR"},
      {"HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n", "has a NUL or a bare CR"},
      {"HTTP/1.1 200 OK\rA: b\r\r", "its head has a CR without an LF"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n\r\r\n", "its head has a CR without an LF"},
      {std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25), "'A: ?' has a NUL or a bare CR"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n \rc\r\n\r\n", "has a NUL or a bare CR"},
      {"HTTP/1.1 200 OK\r\nA b c\r\n\r\n", "its header line 'A b c' has no colon"},
      {"HTTP/1.1 200 OK\r\n: b\r\n\r\n", "has a name with invalid characters"},
      {"HTTP/1.1 200 OK\r\nA(b): c\r\n\r\n", "its header line 'A(b): c' has a name"},
      {"HTTP/1.1 200 OK\r\nA\x01: b\r\n\r\n", "its header line 'A?: b' has a name"},
      {"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", "a blank precedes its first header 'A: b'"},
  };
  for (const Row& row : rows) {
    const Outcome outcome = feed_in_every_way(row.text);
    EXPECT_EQ(outcome.kind, "refused") << row.text;
    EXPECT_NE(outcome.detail.find(row.why), std::string::npos) << outcome.detail;
  }
}

TEST(ResponseHeads, QuoteTheTextUpToALimit) {
  const std::string text = std::string(200, 'x') + "\r\n\r\n";
  EXPECT_LT(feed(text, {text.size()}).detail.size(), 120u);
}

TEST(ResponseHeads, MayHaveUpTo64KiBAnd256Fields) {
  std::string text = "HTTP/1.1 200 OK\r\nA: ";
  text += std::string(kHeadSizeMax - text.size() - 4, 'a') + "\r\n\r\n";
  EXPECT_EQ(feed(text, {1000, 65535, text.size()}).kind, "head");
  text.insert(20, "a");
  for (const auto& ends : {std::vector<std::size_t>{text.size()}, {1000, 65535, 65536}}) {
    EXPECT_NE(feed(text, ends).detail.find("64 KiB"), std::string::npos);
  }
  text = "HTTP/1.1 200 OK\r\n";
  for (std::size_t i = 0; i < kHeadFieldsMax; ++i) text += "A: b\r\n";
  EXPECT_EQ(feed(text + "\r\n", {text.size() + 2}).kind, "head");
  text += "A: b\r\n\r\n";
  EXPECT_NE(feed(text, {text.size()}).detail.find("256"), std::string::npos);
}

TEST(ResponseHeads, WithEndlessEmptyLinesAreRefused) {
  const std::string text(kHeadSizeMax, '\n');
  EXPECT_EQ(feed(text, {100, text.size() - 1}).kind, "more");
  EXPECT_EQ(feed(text, {text.size()}).kind, "refused");
}

// One parser reads all answers on a connection. It must keep nothing of an earlier answer.
TEST(ResponseHeads, StartForgetsThePreviousHead) {
  ResponseParser parser;
  parser.start();
  const std::string sloppy = "HTTP/1.1 200 OK\nA: b\n c\n\n";
  EXPECT_EQ(parser.read_head(sloppy), HeadResult(HeadRead{sloppy.size()}));
  parser.start();
  const std::string clean = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
  EXPECT_EQ(parser.read_head(clean), HeadResult(HeadRead{clean.size()}));
  EXPECT_TRUE(parser.head().defects.none());
  EXPECT_EQ(parser.head().fields.size(), 1u);
}

// ---- chunks -------------------------------------------------------------------------------------

ChunkedBody read_body(const std::string& text, std::size_t piece) {
  return read_chunks<ResponseParser>("HTTP/1.1 200 OK", text, piece);
}

ChunkedBody read_body_in_every_way(const std::string& text) {
  const ChunkedBody whole = read_body(text, text.size());
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    ChunkedBody body = read_body(text, piece);
    if (!whole.error.empty()) body.error = body.error.empty() ? "none" : whole.error;
    EXPECT_EQ(body, whole) << piece << " bytes at a time of\n" << text;
  }
  return whole;
}

TEST(ResponseChunks, ThatAreValidPassUnchanged) {
  for (const std::string text :
       {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "0\r\n\r\n", "00A\r\n0123456789\r\n000\r\n\r\n",
        "1\r\nx\r\n0\r\nT: 1\r\nU: 2\r\n\r\n",
        "1;a\r\nx\r\n1;a=b;c=\"\t\\\"\xe4\" ; d =\te\r\ny\r\n0;f=g\r\nT: 1\r\n\r\n"}) {
    const ChunkedBody body = read_body_in_every_way(text + std::string("HTTP"));
    EXPECT_EQ(body.passed, text);
    EXPECT_EQ(body.rest, "HTTP");
    EXPECT_TRUE(body.error.empty() && body.defects.none()) << text;
  }
}

// RFC 9112 §7.1.1: an extension that is not understood is ignored.
TEST(ResponseChunks, MalformedExtensionsAreRemoved) {
  for (const std::string extension :
       {";", ";=;/", ";a=", ";a b", ";a ", ";\x01", ";a=\"\x01\"", ";a=\"\\\"", ";a=\"b"}) {
    const ChunkedBody body =
        read_body_in_every_way("5" + extension + "\r\nhello\r\n0" + extension + "\r\n\r\nHTTP");
    EXPECT_EQ(body, (ChunkedBody{"5\r\nhello\r\n0\r\n\r\n", "hello", "HTTP", "",
                                 only({Defect::ChunkLine})}))
        << extension;
  }
}

TEST(ResponseChunks, ThatAreUnambiguousAreAccepted) {
  using enum Defect;

  struct Row {
    const char* rule;
    std::string text;
    Defects defects;
  };

  const Row rows[] = {
      {"blanks behind a size", "5 \r\nhello\r\n0\r\n\r\n", only({ChunkLine})},
      {"a tab behind a size", "5\t\r\nhello\r\n0\r\n\r\n", only({ChunkLine})},
      {"a size of fixed width", "5     \r\nhello\r\n0     \r\n\r\n", only({ChunkLine})},
      {"bare LF behind a size", "5\nhello\r\n0\r\n\r\n", only({BareLineFeed})},
      {"bare LF behind an extension", "5;a=b\nhello\r\n0\r\n\r\n", only({BareLineFeed})},
      {"bare LF behind the data", "5\r\nhello\n0\r\n\r\n", only({BareLineFeed})},
      {"bare LF behind the last size", "5\r\nhello\r\n0\n\r\n", only({BareLineFeed})},
      {"bare LF for the last line", "5\r\nhello\r\n0\r\n\n", only({BareLineFeed})},
      {"bare LF everywhere", "5\nhello\n0\n\n", only({BareLineFeed})},
      {"a trailer with bare LF", "5\r\nhello\r\n0\r\nA: b\n\n", only({BareLineFeed})},
      {"a folded trailer", "5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n", only({Folded})},
      {"a blank before a trailer's colon", "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
       only({BlankBeforeColon})},
      {"a length for a trailer", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", only({Trailers})},
      {"a coding for a trailer", "5\r\nhello\r\n0\r\nA: b\r\ntransfer-encoding: chunked\r\n\r\n",
       only({Trailers})},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule);
    EXPECT_EQ(read_body_in_every_way(row.text + "HTTP"),
              (ChunkedBody{"5\r\nhello\r\n0\r\n\r\n", "hello", "HTTP", "", row.defects}));
  }
}

TEST(ResponseChunks, BrokenOnesAreRefusedWithTheReason) {
  struct Row {
    std::string text;
    const char* why;
  };

  const Row rows[] = {
      {"x\r\n", "a chunk begins with 'x' in place of its size"},
      {"\r\nhello", "in place of its size"},
      {" 5\r\nhello\r\n", "in place of its size"},
      {"-5\r\nhello\r\n", "in place of its size"},
      {";a\r\nhello\r\n", "in place of its size"},
      {"0x5\r\nhello\r\n", "a chunk's size is followed by 'x5'"},
      {"5 5\r\nhello\r\n", "a chunk's size is followed by ' 5'"},
      {"5\rhello\r\n", "a chunk's size is followed by"},
      {"5;a\rb\r\nhello\r\n", "a chunk's size is followed by"},
      {"10000000000000000\r\n", "2^64"},
      {"5\r\nhelloX\r\n", "a chunk is longer than its size says"},
      {"5\r\nhello\rX\n", "a chunk is longer than its size says"},
      {"5\r\nhello0\r\n\r\n", "a chunk is longer than its size says"},
      {"0\r\nA\r\n\r\n", "behind its last chunk, its header line 'A' has no colon"},
      // A server forgets the last empty line: the next answer must not be read as a trailer.
      {"0\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n", "'HTTP/1.1 200 OK' has no colon"},
  };
  for (const Row& row : rows) {
    const ChunkedBody body = read_body_in_every_way(row.text + "\r\n\r\n");
    EXPECT_NE(body.error.find(row.why), std::string::npos) << row.text << "\n" << body.error;
  }
}

TEST(ResponseChunks, LinesAndTrailersHaveALimit) {
  for (const std::string start : {"5;", "5", "0\r\nA: "}) {
    const std::string text =
        start + std::string(kHeadSizeMax, start == "5" ? ' ' : 'a') + "\r\n\r\n";
    EXPECT_NE(read_body(text, text.size()).error.find("64 KiB"), std::string::npos);
    EXPECT_NE(read_body(text, 40'000).error.find("64 KiB"), std::string::npos);
  }
}

}  // namespace
}  // namespace hpp::proxyd
