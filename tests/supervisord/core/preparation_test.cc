#include "supervisord/core/preparation.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

Preparation two_steps() {
  return Preparation({build_step("make"), build_step("migrate")});
}

TEST(Preparation, IsDoneWhenTheLastStepHasSucceeded) {
  Preparation preparation = two_steps();
  EXPECT_TRUE(preparation.is_due());
  ASSERT_TRUE(preparation.begin());
  EXPECT_EQ(preparation.step().command, "make");
  ASSERT_TRUE(preparation.on_step_end(true));
  EXPECT_FALSE(preparation.is_due() || preparation.is_done());
  EXPECT_EQ(preparation.step().command, "migrate");
  EXPECT_FALSE(preparation.on_step_end(true));
  EXPECT_TRUE(preparation.is_done());
}

TEST(Preparation, BeginReturnsFalseWithoutSteps) {
  Preparation preparation({});
  EXPECT_FALSE(preparation.has_steps());
  EXPECT_FALSE(preparation.begin());
  EXPECT_TRUE(preparation.is_due()) << "each start has to pass the restart back-off";
}

TEST(Preparation, EndsWithTheFirstStepThatFails) {
  Preparation preparation = two_steps();
  preparation.begin();
  EXPECT_FALSE(preparation.on_step_end(false));
  EXPECT_TRUE(preparation.is_due());
  EXPECT_EQ(preparation.step().command, "make") << "the message needs the command";
}

TEST(Preparation, BeginsAgainAfterAChange) {
  Preparation preparation = two_steps();
  preparation.begin();
  preparation.on_change();
  EXPECT_TRUE(preparation.is_outdated());
  preparation.on_change();
  EXPECT_TRUE(preparation.is_outdated()) << "the same step still runs";
  EXPECT_FALSE(preparation.on_step_end(true)) << "the second step would read other files";
  EXPECT_TRUE(preparation.is_due());
  preparation.begin();
  preparation.on_step_end(true);
  preparation.on_step_end(true);
  preparation.on_change();
  EXPECT_TRUE(preparation.is_due()) << "the result was built from older files";
  preparation.on_change();
  EXPECT_TRUE(preparation.is_due());
}

TEST(Preparation, AbortDiscardsARunningStepButNotADonePreparation) {
  Preparation preparation = two_steps();
  preparation.abort();
  EXPECT_TRUE(preparation.is_due());
  preparation.begin();
  preparation.abort();
  EXPECT_TRUE(preparation.is_due());
  preparation.begin();
  preparation.on_step_end(true);
  preparation.on_step_end(true);
  preparation.abort();
  EXPECT_TRUE(preparation.is_done());
}

}  // namespace
}  // namespace hpp::supervisord
