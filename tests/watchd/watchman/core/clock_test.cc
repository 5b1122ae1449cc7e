#include "watchd/watchman/core/clock.h"

#include <gtest/gtest.h>

namespace hpp::watchd::watchman {
namespace {

TEST(Clock, AClockIsKnownIfItIsNotLater) {
  EXPECT_TRUE(is_known("c:1:2:3:4", "c:1:2:3:4"));
  EXPECT_TRUE(is_known("c:1:2:3:4", "c:1:2:3:5"));
  EXPECT_TRUE(is_known("c:1:2:3:9", "c:1:2:3:10")) << "ticks are compared as numbers";
  EXPECT_FALSE(is_known("c:1:2:3:5", "c:1:2:3:4"));
}

TEST(Clock, ClocksOfAnotherWatchmanOrCrawlAreNotKnown) {
  EXPECT_FALSE(is_known("c:9:2:3:4", "c:1:2:3:5"));
  EXPECT_FALSE(is_known("c:1:9:3:4", "c:1:2:3:5"));
  EXPECT_FALSE(is_known("c:1:2:9:4", "c:1:2:3:5"));
}

TEST(Clock, MalformedClocksAreNotKnown) {
  for (const char* odd : {"", "4", "c", "c:", "c:1:2:3:", "c:1:2:3:x", "c:1:2:3:4x", "c:1:2:3:-1",
                          "c:1:2:3:99999999999999999999"}) {
    EXPECT_FALSE(is_known(odd, "c:1:2:3:4")) << odd;
    EXPECT_FALSE(is_known("c:1:2:3:4", odd)) << odd;
    EXPECT_FALSE(is_known(odd, odd)) << odd;
  }
}

}  // namespace
}  // namespace hpp::watchd::watchman
