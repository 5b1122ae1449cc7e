#include "common/errors/core/output_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hpp::errors {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(OutputLines, AreNumberedLikeTheOutputs) {
  EXPECT_THAT(plain_lines(""), IsEmpty());
  EXPECT_THAT(plain_lines("a\n\nb"), ElementsAre("a", "", "b"));
  EXPECT_THAT(plain_lines("a\n"), ElementsAre("a"));
}

TEST(OutputLines, HaveNoControlSequences) {
  EXPECT_THAT(plain_lines("\x1b[31;1mError\x1b[0m: x \t\n\x1b]8;;http://a\x07link\x1b]8;;\x07"),
              ElementsAre("Error: x", "link"));
  EXPECT_THAT(plain_lines("a\x01\x07\tb\x7f"), ElementsAre("a\tb"));
  EXPECT_THAT(plain_lines("cut off \x1b["), ElementsAre("cut off"));
  EXPECT_THAT(plain_lines("\x1b]unfinished\nnext"), ElementsAre("", "next"));
}

TEST(OutputLines, AreTheLastVersionOfARewrittenLine) {
  EXPECT_THAT(plain_lines("10%\r99%\r\nx\r\r\n"), ElementsAre("99%", "x"));
}

TEST(OutputLines, AreCut) {
  EXPECT_THAT(plain_lines(std::string(5000, 'x') + "\ny"),
              ElementsAre(std::string(kOutputLineMax, 'x'), "y"));
}

TEST(OutputLines, AreIndented) {
  EXPECT_EQ(indentation("  \ta"), 3U);
  EXPECT_EQ(indentation("  "), 2U);
  EXPECT_EQ(unindented("  \ta b"), "a b");
  EXPECT_EQ(unindented(""), "");
}

}  // namespace
}  // namespace hpp::errors
