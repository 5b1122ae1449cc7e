#include "supervisord/headword.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

TEST(Headword, IsTheStateInItsColour) {
  const auto word = headword("Running: generation 1 answers", Backend::State::Running);
  EXPECT_EQ(word.word, "Running");
  EXPECT_EQ(word.colour, log::Colour::Green);
  EXPECT_EQ(headword("Error: exit code 1", Backend::State::Error).colour, log::Colour::Red);
}

TEST(Headword, IsEmptyForOtherLines) {
  for (const char* const text : {"hpp-watchd is not ready yet: starting", "", "one", ": x"}) {
    EXPECT_EQ(headword(text, Backend::State::Running).word, "") << text;
  }
}

}  // namespace
}  // namespace hpp::supervisord
