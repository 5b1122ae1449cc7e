#include "common/take_until.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

TEST(TakeUntil, ReturnsThePiecesInOrder) {
  std::string_view text = "a,,bc";
  EXPECT_EQ(take_until(',', text), "a");
  EXPECT_EQ(take_until(',', text), "");
  EXPECT_EQ(text, "bc");
  EXPECT_EQ(take_until(',', text), "bc");
  EXPECT_EQ(text, "");
  EXPECT_EQ(take_until(',', text), "");
}

// A parser compares pointers of a piece with those of the whole text.
TEST(TakeUntil, ReturnsAViewOfTheText) {
  const std::string_view whole = "a;b;";
  std::string_view text = whole;
  take_until(';', text);
  EXPECT_EQ(take_until(';', text).data(), whole.data() + 2);
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace hpp
