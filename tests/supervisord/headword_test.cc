#include "supervisord/headword.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

TEST(Headword, HasTheColourOfTheState) {
  EXPECT_EQ(colour_of(Backend::State::Running), log::Colour::Green);
  EXPECT_EQ(colour_of(Backend::State::Loading), log::Colour::Cyan);
  EXPECT_EQ(colour_of(Backend::State::Failing), log::Colour::Cyan);
  EXPECT_EQ(colour_of(Backend::State::Killing), log::Colour::Yellow);
  EXPECT_EQ(colour_of(Backend::State::Error), log::Colour::Red);
  EXPECT_EQ(colour_of(Backend::State::Stopping), log::Colour::None);
}

}  // namespace
}  // namespace hpp::supervisord
