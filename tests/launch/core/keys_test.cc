#include "launch/core/keys.h"

#include <gtest/gtest.h>

namespace hpp::launch {
namespace {

using enum Typed::Meaning;
using Lines = std::vector<Typed>;

Lines typed(std::string_view bytes) {
  return Keys(Keys::Mode::Lines).take(bytes);
}

TEST(Keys, ParsesTheCommandsInTheHelp) {
  EXPECT_EQ(typed("r\n"), (Lines{{Restart, "r"}}));
  EXPECT_EQ(typed("R\n"), (Lines{{Restart, "R"}}));
  EXPECT_EQ(typed("h\n"), (Lines{{Help, "h"}}));
  EXPECT_EQ(typed("?\n"), (Lines{{Help, "?"}}));
  EXPECT_EQ(typed("q\n"), (Lines{{Quit, "q"}}));
  EXPECT_EQ(typed("o\n"), (Lines{{Open, "o"}}));
  EXPECT_EQ(typed("u\n"), (Lines{{Urls, "u"}}));
  EXPECT_EQ(typed("c\n"), (Lines{{Clear, "c"}}));
  EXPECT_EQ(typed("p\n"), (Lines{{Pause, "p"}}));
  EXPECT_EQ(typed("  r \r\n"), (Lines{{Restart, "r"}}));
}

TEST(Keys, ParsesNoOtherCommands) {
  EXPECT_EQ(typed("rr\n"), (Lines{{Unknown, "rr"}}));
  EXPECT_EQ(typed("\x1b[A\n"), (Lines{{Unknown, "\x1b[A"}})) << "the log makes it safe";
  EXPECT_EQ(typed("\n"), Lines{});
  EXPECT_EQ(typed(" \t\n\n"), Lines{});
  EXPECT_EQ(typed("r"), Lines{}) << "not without Enter";
}

TEST(Keys, TruncatesALongLine) {
  const Lines lines = typed(std::string(100'000, 'r') + "\nq\n");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].meaning, Unknown);
  EXPECT_LE(lines[0].text.size(), 100U);
  EXPECT_EQ(lines[1].meaning, Quit);
}

TEST(Keys, DoesNotDependOnHowTheInputIsSplit) {
  constexpr std::string_view kBytes = "r\n\nwhat\n q \nh\nr";
  const Lines whole = typed(kBytes);
  EXPECT_EQ(whole.size(), 4U);
  for (std::size_t at = 0; at <= kBytes.size(); ++at) {
    Keys keys(Keys::Mode::Lines);
    Lines lines = keys.take(kBytes.substr(0, at));
    for (auto& line : keys.take(kBytes.substr(at))) lines.push_back(std::move(line));
    EXPECT_EQ(lines, whole) << "split at " << at;
  }
  Keys keys(Keys::Mode::Lines);
  Lines lines;
  for (const char c : kBytes) {
    for (auto& line : keys.take(std::string_view(&c, 1))) lines.push_back(std::move(line));
  }
  EXPECT_EQ(lines, whole);
}

class SingleKeys : public testing::Test {
 protected:
  Lines typed(std::string_view bytes) { return keys_.take(bytes); }

 private:
  Keys keys_{Keys::Mode::Single};
};

TEST_F(SingleKeys, AreCommandsWithoutEnter) {
  EXPECT_EQ(typed("r"), (Lines{{Restart, "r"}}));
  EXPECT_EQ(typed("R"), (Lines{{Restart, "R"}}));
  EXPECT_EQ(typed("q"), (Lines{{Quit, "q"}}));
  EXPECT_EQ(typed("\x0c"), (Lines{{Clear, ""}})) << "Ctrl+L";
}

TEST_F(SingleKeys, AreCommandsWithEnter) {
  EXPECT_EQ(typed("r"), (Lines{{Restart, "r"}}));
  EXPECT_EQ(typed("\n"), Lines{}) << "it belongs to the r";
  EXPECT_EQ(typed("\n"), (Lines{{Blank, ""}}));
  EXPECT_EQ(typed("r\n"), (Lines{{Restart, "r"}}));
  EXPECT_EQ(typed("\x04r\n"), (Lines{{Restart, "r"}})) << "Ctrl+D before";
  EXPECT_EQ(typed("h\nr\n"), (Lines{{Help, "h"}, {Restart, "r"}}));
}

TEST_F(SingleKeys, IgnoreAPaste) {
  EXPECT_EQ(typed("quit"), Lines{});
  EXPECT_EQ(typed("r"), (Lines{{Restart, "r"}})) << "the paste is forgotten";
  EXPECT_EQ(typed("npm run q\n"), (Lines{{Unknown, "npm run q"}}));
}

TEST_F(SingleKeys, IgnoreEscapeSequencesAndControlCharacters) {
  for (const char* const bytes : {"\x1b[A", "\x1b", "\x04", "\x7f"}) {
    EXPECT_EQ(typed(bytes), Lines{}) << bytes;
  }
}

TEST_F(SingleKeys, ReportAnUnknownWordOnce) {
  EXPECT_EQ(typed("w"), (Lines{{Unknown, "w"}}));
  EXPECT_EQ(typed("a"), Lines{});
  EXPECT_EQ(typed("t"), Lines{});
  EXPECT_EQ(typed("\n"), Lines{});
  EXPECT_EQ(typed("w"), (Lines{{Unknown, "w"}}));
}

}  // namespace
}  // namespace hpp::launch
