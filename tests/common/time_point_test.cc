#include "common/time_point.h"

#include <gtest/gtest.h>

#include <utility>

namespace hpp {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, HasTheLargestUnitThatTheDurationContainsTwice) {
  const std::pair<std::chrono::milliseconds, const char*> cases[] = {
      {-5ms, "0 ms"},      {0ms, "0 ms"},      {1ms, "1 ms"},   {1999ms, "1999 ms"},
      {2s, "2 s"},         {12'900ms, "12 s"}, {119s, "119 s"}, {120s, "2 min"},
      {119min, "119 min"}, {120min, "2 h"},    {47h, "47 h"},   {48h, "2 days"},
  };
  for (const auto& [duration, text] : cases) EXPECT_EQ(duration_text(duration), text);
}

}  // namespace
}  // namespace hpp
