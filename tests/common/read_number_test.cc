#include "common/read_number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace hpp {
namespace {

TEST(ReadNumber, TakesTheWholeText) {
  EXPECT_EQ(read_number<int>("0"), 0);
  EXPECT_EQ(read_number<int>("007"), 7);
  EXPECT_EQ(read_number<int>("-7"), -7);
  EXPECT_EQ(read_number<std::uint64_t>("18446744073709551615"), 18446744073709551615U);
}

TEST(ReadNumber, RefusesAnythingElse) {
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "x1", "-", "1.0", "0x1", "--1"}) {
    EXPECT_EQ(read_number<int>(text), std::nullopt) << text;
  }
  EXPECT_EQ(read_number<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(read_number<std::uint8_t>("256"), std::nullopt);
  EXPECT_EQ(read_number<std::uint64_t>("18446744073709551616"), std::nullopt);
}

}  // namespace
}  // namespace hpp
