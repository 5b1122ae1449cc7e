#include "common/line_wrap.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

using Lines = std::vector<std::string>;

TEST(LineWrap, BreaksAtBlanks) {
  EXPECT_EQ(wrapped("one two three", 7), (Lines{"one two", "three"}));
  EXPECT_EQ(wrapped("one two three", 8), (Lines{"one two", "three"}));
  EXPECT_EQ(wrapped("one two three", 13), Lines{"one two three"});
  EXPECT_EQ(wrapped("one two three", std::string::npos), Lines{"one two three"});
}

TEST(LineWrap, KeepsBlanksWithinALine) {
  EXPECT_EQ(wrapped("ready  http://localhost/", 40), Lines{"ready  http://localhost/"});
  EXPECT_EQ(wrapped("ready  http://localhost/", 20), (Lines{"ready", "http://localhost/"}));
  EXPECT_EQ(wrapped("one two   ", 7), Lines{"one two"});
}

TEST(LineWrap, DoesNotBreakAWord) {
  EXPECT_EQ(wrapped("a /home/me/site/app.py:5 b", 10), (Lines{"a", "/home/me/site/app.py:5", "b"}));
  EXPECT_EQ(wrapped("/home/me/site/app.py", 4), Lines{"/home/me/site/app.py"});
}

TEST(LineWrap, CountsCharacters) {
  EXPECT_EQ(wrapped("\u00e4\u00e4 \u00fc\u00fc", 5), Lines{"\u00e4\u00e4 \u00fc\u00fc"});
}

TEST(LineWrap, ReturnsALineForNoText) {
  EXPECT_EQ(wrapped("", 10), Lines{""});
}

}  // namespace
}  // namespace hpp
