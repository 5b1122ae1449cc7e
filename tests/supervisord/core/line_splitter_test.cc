#include "supervisord/core/line_splitter.h"

#include <gtest/gtest.h>

#include <numeric>

namespace hpp::supervisord {
namespace {

using Lines = std::vector<std::string>;

TEST(LineSplitter, ReturnsCompleteLines) {
  LineSplitter splitter;
  EXPECT_EQ(splitter.take("one\ntw"), Lines{"one"});
  EXPECT_EQ(splitter.take(""), Lines{});
  EXPECT_EQ(splitter.take("o\n\nthree"), (Lines{"two", ""}));
  EXPECT_EQ(splitter.finish(), "three");
  EXPECT_EQ(splitter.finish(), std::nullopt);
}

TEST(LineSplitter, RemovesTheCarriageReturnOfATerminal) {
  LineSplitter splitter;
  EXPECT_EQ(splitter.take("one\r"), Lines{});
  EXPECT_EQ(splitter.take("\n10 %\r20 %\r\n"), (Lines{"one", "10 %\r20 %"}));
}

// Whatever the pieces, the lines are the same.
TEST(LineSplitter, SplitsLongLines) {
  const std::string text(2 * LineSplitter::kLineMax + 5, 'x');
  for (const std::size_t piece : {std::size_t{1}, LineSplitter::kLineMax - 1, text.size()}) {
    LineSplitter splitter;
    Lines lines;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      for (auto& line : splitter.take(text.substr(at, piece))) lines.push_back(line);
    }
    for (auto& line : splitter.take("\n")) lines.push_back(line);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0].size(), LineSplitter::kLineMax);
    EXPECT_EQ(std::accumulate(lines.begin(), lines.end(), std::string()), text);
  }
}

}  // namespace
}  // namespace hpp::supervisord
