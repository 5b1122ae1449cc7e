#include "proxyd/core/farewell.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

using namespace std::chrono_literals;

const Farewell::TimePoint kStart{1h};

TEST(Farewell, GivesTheClientTimeToReadTheAnswer) {
  Farewell farewell;
  EXPECT_EQ(farewell.closes_at(false, false, kStart), kStart + kFinishMax);
  EXPECT_EQ(farewell.closes_at(false, true, kStart + 5s), kStart + kFinishMax);
}

TEST(Farewell, WaitsForTheClientToClose) {
  Farewell farewell;
  EXPECT_EQ(farewell.closes_at(true, false, kStart), kStart + kLingerMax);
  EXPECT_EQ(farewell.closes_at(true, false, kStart + 1s), kStart + kLingerMax);
}

TEST(Farewell, ReadsOnWhileTheClientSends) {
  Farewell farewell;
  farewell.closes_at(false, false, kStart);
  farewell.closes_at(true, false, kStart);
  EXPECT_EQ(farewell.closes_at(true, true, kStart + 1s), kStart + 1s + kLingerMax);
  EXPECT_EQ(farewell.closes_at(true, true, kStart + 3s), kStart + 3s + kLingerMax);
  EXPECT_EQ(farewell.closes_at(true, true, kStart + 29s), kStart + kLingerAllMax);
  EXPECT_EQ(farewell.closes_at(true, true, kStart + 30s), kStart + kLingerAllMax);
}

}  // namespace
}  // namespace hpp::proxyd
