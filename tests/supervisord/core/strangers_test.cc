#include "supervisord/core/strangers.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

const TimePoint kStart{};

TEST(Strangers, CountAfterTheWait) {
  Strangers strangers;
  strangers.on_start();
  EXPECT_FALSE(strangers.on_found(kStart));
  EXPECT_FALSE(strangers.on_found(kStart + kStrangerWait - milliseconds(1)));
  EXPECT_TRUE(strangers.on_found(kStart + kStrangerWait));
  EXPECT_FALSE(strangers.on_found(kStart + 2 * kStrangerWait)) << "already decided";
}

TEST(Strangers, TheWaitBeginsAgainInTheNextGeneration) {
  Strangers strangers;
  strangers.on_start();
  strangers.on_found(kStart);
  strangers.on_start();
  EXPECT_FALSE(strangers.on_found(kStart + kStrangerWait));
}

TEST(Strangers, AreBlamedForOneFailureAfterAChange) {
  Strangers strangers;
  EXPECT_FALSE(strangers.are_to_blame()) << "no stranger was found";
  for (int i = 0; i < 2; ++i) {
    strangers.on_change();
    strangers.on_start();
    strangers.on_found(kStart);
    EXPECT_TRUE(strangers.are_to_blame());
    strangers.on_start();
    strangers.on_found(kStart);
    EXPECT_FALSE(strangers.are_to_blame());
  }
}

TEST(Strangers, AreNotBlamedIfTheBackendFailsAfterItsAnswer) {
  Strangers strangers;
  strangers.on_start();
  strangers.on_found(kStart);
  strangers.on_answer(/*is_strangers=*/true);
  EXPECT_FALSE(strangers.are_to_blame());
}

TEST(Strangers, MayBeBlamedAgainAfterAnAnswerOfTheBackend) {
  for (const bool is_strangers : {true, false}) {
    Strangers strangers;
    strangers.on_start();
    strangers.on_found(kStart);
    EXPECT_TRUE(strangers.are_to_blame());
    strangers.on_start();
    strangers.on_answer(is_strangers);
    strangers.on_start();
    strangers.on_found(kStart);
    EXPECT_EQ(strangers.are_to_blame(), !is_strangers);
  }
}

}  // namespace
}  // namespace hpp::supervisord
