#include "launch/core/keys.h"

#include <gtest/gtest.h>

namespace hpp::launch {
namespace {

using enum Typed::Meaning;
using Lines = std::vector<Typed>;

Lines typed(std::string_view bytes) {
  return Keys().take(bytes);
}

TEST(Keys, ParsesTheCommandsInTheHelp) {
  EXPECT_EQ(typed("r\n"), (Lines{{Restart, "r"}}));
  EXPECT_EQ(typed("R\n"), (Lines{{Restart, "R"}}));
  EXPECT_EQ(typed("h\n"), (Lines{{Help, "h"}}));
  EXPECT_EQ(typed("?\n"), (Lines{{Help, "?"}}));
  EXPECT_EQ(typed("q\n"), (Lines{{Quit, "q"}}));
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
    Keys keys;
    Lines lines = keys.take(kBytes.substr(0, at));
    for (auto& line : keys.take(kBytes.substr(at))) lines.push_back(std::move(line));
    EXPECT_EQ(lines, whole) << "split at " << at;
  }
  Keys keys;
  Lines lines;
  for (const char c : kBytes) {
    for (auto& line : keys.take(std::string_view(&c, 1))) lines.push_back(std::move(line));
  }
  EXPECT_EQ(lines, whole);
}

}  // namespace
}  // namespace hpp::launch
