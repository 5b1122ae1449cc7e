#include "proxyd/core/farewell.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1h};

TEST(Farewell, GivesTheClientTimeToReadTheAnswer) {
  Farewell farewell;
  EXPECT_EQ(farewell.closes_at({}, kStart), kStart + kFinishMax);
  EXPECT_EQ(farewell.closes_at({.has_sent = true}, kStart + 5s), kStart + kFinishMax);
}

TEST(Farewell, WaitsForTheClientToClose) {
  Farewell farewell;
  EXPECT_EQ(farewell.closes_at({.is_written = true}, kStart), kStart + kLingerMax);
  EXPECT_EQ(farewell.closes_at({.is_written = true}, kStart + 1s), kStart + kLingerMax);
}

TEST(Farewell, ContinuesToReadWhileTheClientSends) {
  Farewell farewell;
  EXPECT_TRUE(farewell.closes_at({}, kStart));
  EXPECT_TRUE(farewell.closes_at({.is_written = true}, kStart));
  EXPECT_EQ(farewell.closes_at({.is_written = true, .has_sent = true}, kStart + 1s),
            kStart + 1s + kLingerMax);
  EXPECT_EQ(farewell.closes_at({.is_written = true, .has_sent = true}, kStart + 3s),
            kStart + 3s + kLingerMax);
  EXPECT_EQ(farewell.closes_at({.is_written = true, .has_sent = true}, kStart + 29s),
            kStart + kLingerAllMax);
  EXPECT_EQ(farewell.closes_at({.is_written = true, .has_sent = true}, kStart + 30s),
            kStart + kLingerAllMax);
}

TEST(Farewell, EndsWithTheFinOfTheClient) {
  Farewell farewell;
  EXPECT_TRUE(farewell.closes_at({.client_ended = true}, kStart)) << "it has to get the answer";
  EXPECT_FALSE(farewell.closes_at({.is_written = true, .client_ended = true}, kStart));
}

TEST(Farewell, ClosesAtOnceIfTheClientSendsNoMore) {
  Farewell farewell;
  EXPECT_TRUE(farewell.closes_at({.is_written = true, .all_is_read = true}, kStart));
  farewell.begin(/*awaits_fin=*/false);
  EXPECT_TRUE(farewell.closes_at({.is_written = true}, kStart)) << "a close would be a reset";
  EXPECT_FALSE(farewell.closes_at({.is_written = true, .all_is_read = true}, kStart));
}

}  // namespace
}  // namespace hpp::proxyd
