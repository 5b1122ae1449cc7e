#include "common/log.h"

#include <gtest/gtest.h>

namespace hpp::log {
namespace {

TEST(LogLine, IsPlain) {
  const auto plain = [](Level level, Headword headword = {}) {
    return line({.style = Style::Plain, .program = "hpp-x"}, level, "Running: well", headword);
  };
  EXPECT_EQ(plain(Level::Error), "hpp-x: error: Running: well\n");
  EXPECT_EQ(plain(Level::Warning), "hpp-x: warning: Running: well\n");
  EXPECT_EQ(plain(Level::Info), "hpp-x: Running: well\n");
  EXPECT_EQ(plain(Level::Debug), "hpp-x: debug: Running: well\n");
  EXPECT_EQ(plain(Level::Info, {"Running", Colour::Green}), "hpp-x: Running: well\n");
}

TEST(LogLine, StartsWithItsLevelInTheJournal) {
  EXPECT_EQ(line({.style = Style::Journal, .program = "hpp-x"}, Level::Warning, "well"),
            "<4>hpp-x: warning: well\n");
  EXPECT_EQ(line({.style = Style::Journal, .program = "hpp-x"}, Level::Info, "Running: well",
                 {"Running"}),
            "<6>hpp-x: Running: well\n");
}

TEST(LogLine, HasColours) {
  const auto coloured = [](Level level, Headword headword = {}) {
    return line({.style = Style::Coloured, .program = "hpp-x"}, level, "Running: well", headword);
  };
  EXPECT_EQ(coloured(Level::Error),
            "\033[0;2mhpp-x:\033[0m \033[1;31merror: \033[0mRunning: well\n");
  EXPECT_EQ(coloured(Level::Warning),
            "\033[0;2mhpp-x:\033[0m \033[1;33mwarning: \033[0mRunning: well\n");
  EXPECT_EQ(coloured(Level::Info), "\033[0;2mhpp-x:\033[0m Running: well\n");
  EXPECT_EQ(coloured(Level::Debug),
            "\033[0;2mhpp-x:\033[0m \033[2mdebug: \033[0m\033[2mRunning: well\033[0m\n");
  EXPECT_EQ(coloured(Level::Info, {"Running", Colour::Green}),
            "\033[0;2mhpp-x:\033[0m \033[1;32mRunning\033[0m: well\n");
}

TEST(LogLine, IsShortWithoutAProgram) {
  EXPECT_EQ(line({}, Level::Info, "ready in 304 ms", {"ready", Colour::Green}),
            "hpp  ready in 304 ms\n");
  EXPECT_EQ(line({}, Level::Warning, "well"), "hpp  warning: well\n");
  EXPECT_EQ(
      line({.style = Style::Coloured}, Level::Info, "ready in 304 ms", {"ready", Colour::Green}),
      "\033[0;1;36mhpp\033[0m  \033[1;32mready\033[0m in 304 ms\n");
}

TEST(LogLine, HasAdviceInALineOfItsOwn) {
  EXPECT_EQ(line({}, Level::Info, "crashed", {}, "save a fix"), "hpp  crashed\n     save a fix\n");
  EXPECT_EQ(line({.style = Style::Coloured}, Level::Info, "crashed", {}, "save a fix"),
            "\033[0;1;36mhpp\033[0m  crashed\n\033[0m     \033[2msave a fix\033[0m\n");
}

TEST(LogLine, IsWrappedOnATerminal) {
  EXPECT_EQ(line({.columns = 20}, Level::Warning, "one two three", {}, "four five six seven"),
            "hpp  warning: one\n     two three\n     four five six\n     seven\n");
  EXPECT_EQ(line({.style = Style::Coloured, .columns = 20}, Level::Info, "ready in 304 ms now",
                 {"ready", Colour::Green}),
            "\033[0;1;36mhpp\033[0m  \033[1;32mready\033[0m in 304 ms\n\033[0m     now\n");
}

// Such text is a command line of another user, a file name, or a message of Watchman or git.
TEST(LogLine, ReplacesControlCharactersInForeignText) {
  const std::string text =
      "Error: port 1 is held by \x1b]0;x\x07\nhpp-x: \xc2\x9b"
      "31m";
  for (const Level level : {Level::Info, Level::Debug}) {
    for (const Style style : {Style::Plain, Style::Journal, Style::Coloured}) {
      const std::string all =
          line({.style = style, .program = "hpp-x"}, level, text, {"Error", Colour::Red});
      EXPECT_NE(all.find("held by ?]0;x??hpp-x: ?31m"), std::string::npos) << all;
      EXPECT_EQ(all.find('\n'), all.size() - 1) << "one line";
    }
  }
}

}  // namespace
}  // namespace hpp::log
