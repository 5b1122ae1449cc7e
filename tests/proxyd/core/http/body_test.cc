#include "proxyd/core/http/body.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace hpp::proxyd {
namespace {

// Passes a body through a framer. `piece` bytes arrive at a time.
struct Passed {
  std::string passed;
  std::string rest;
  bool over = false;
  bool broken = false;

  bool operator==(const Passed&) const = default;

  friend std::ostream& operator<<(std::ostream& out, const Passed& p) {
    return out << "'" << p.passed << "' rest '" << p.rest << "' " << p.over << p.broken;
  }
};

Passed pass(const std::string& head, const std::string& text, Framing framing, std::uint64_t length,
            bool keep_framing, std::size_t piece) {
  ResponseParser parser;
  parser.start();
  EXPECT_TRUE(std::holds_alternative<HeadRead>(parser.read_head(head)));
  ResponseBody body(parser);
  body.begin(framing, length, keep_framing);
  Passed result;
  std::string arrived;
  std::size_t taken = 0;
  for (;;) {
    const BodyStep step = body.next(arrived);
    switch (step.kind) {
      case BodyStep::Kind::Pass:
        result.passed += arrived.substr(0, step.size);
        arrived.erase(0, step.size);
        break;
      case BodyStep::Kind::Replace:
        result.passed += step.text;
        arrived.erase(0, step.size);
        break;
      case BodyStep::Kind::Drop:
        arrived.erase(0, step.size);
        break;
      case BodyStep::Kind::NeedMore:
        if (taken == text.size()) {
          result.rest = arrived;
          result.over = body.may_end_by_close();
          return result;
        }
        arrived += text.substr(taken, piece);
        taken = std::min(text.size(), taken + piece);
        break;
      case BodyStep::Kind::Over:
        result.rest = arrived + text.substr(taken);
        result.over = true;
        return result;
      case BodyStep::Kind::Broken:
        result.broken = true;
        return result;
    }
  }
}

constexpr const char* kPlain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
constexpr const char* kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(PlainLeft, CountsContentThatIsNotFraming) {
  ResponseParser parser;
  parser.start();
  EXPECT_TRUE(std::holds_alternative<HeadRead>(parser.read_head(kChunked)));
  ResponseBody body(parser);
  EXPECT_EQ(body.plain_left(), 0U) << "not begun";
  body.begin(Framing::Chunked, 0, true);
  EXPECT_EQ(body.plain_left(), 0U) << "framing is among it";
  body.begin(Framing::UntilClose, 0, true);
  body.skip(1'000'000);
  EXPECT_GT(body.plain_left(), 1ULL << 62);
  body.begin(Framing::Length, 10, true);
  EXPECT_EQ(body.next("abc"), (BodyStep{BodyStep::Kind::Pass, 3}));
  EXPECT_EQ(body.plain_left(), 7U);
  body.skip(6);
  EXPECT_FALSE(body.is_over());
  body.skip(1);
  EXPECT_TRUE(body.is_over());
  EXPECT_EQ(body.plain_left(), 0U);
}

class Body : public testing::TestWithParam<std::size_t> {};

TEST_P(Body, WithALengthEndsAfterThatLength) {
  EXPECT_EQ(pass(kPlain, "helloHTTP", Framing::Length, 5, true, GetParam()),
            (Passed{"hello", "HTTP", true, false}));
  EXPECT_EQ(pass(kPlain, "hel", Framing::Length, 5, true, GetParam()),
            (Passed{"hel", "", false, false}));
}

TEST_P(Body, WithoutFramingEndsAtOnce) {
  EXPECT_EQ(pass(kPlain, "HTTP", Framing::None, 0, true, GetParam()),
            (Passed{"", "HTTP", true, false}));
}

TEST_P(Body, InChunksKeepsOrLosesItsFraming) {
  const std::string text = "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: 1\r\n\r\n";
  EXPECT_EQ(pass(kChunked, text + "HTTP", Framing::Chunked, 0, true, GetParam()),
            (Passed{text, "HTTP", true, false}));
  EXPECT_EQ(pass(kChunked, text + "HTTP", Framing::Chunked, 0, false, GetParam()),
            (Passed{"abcde", "HTTP", true, false}));
}

TEST_P(Body, InMalformedChunksGetsItsFramingCorrected) {
  const std::string text = "3 \nabc\n2;=\r\nde\r\n0\nT : 1\n\n";
  EXPECT_EQ(pass(kChunked, text + "HTTP", Framing::Chunked, 0, true, GetParam()),
            (Passed{"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "HTTP", true, false}));
  EXPECT_EQ(pass(kChunked, text + "HTTP", Framing::Chunked, 0, false, GetParam()),
            (Passed{"abcde", "HTTP", true, false}));
}

TEST_P(Body, InChunksMustNotEndByClose) {
  const Passed passed = pass(kChunked, "3\r\nabc\r\n", Framing::Chunked, 0, false, GetParam());
  EXPECT_EQ(passed.passed, "abc");
  EXPECT_FALSE(passed.over);
}

TEST_P(Body, UntilCloseEndsWithTheClose) {
  EXPECT_EQ(pass(kPlain, "hello", Framing::UntilClose, 0, true, GetParam()),
            (Passed{"hello", "", true, false}));
}

TEST_P(Body, WithBadChunksIsBroken) {
  EXPECT_TRUE(
      pass(kChunked, "3\r\nabcX\r\n0\r\n\r\n", Framing::Chunked, 0, true, GetParam()).broken);
}

INSTANTIATE_TEST_SUITE_P(InPieces, Body, testing::Values(1, 2, 3, 4, 5, 7, 100));

}  // namespace
}  // namespace hpp::proxyd
