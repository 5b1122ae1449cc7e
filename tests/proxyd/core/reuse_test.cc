#include "proxyd/core/reuse.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

using namespace std::chrono_literals;

constexpr bool kFresh = true;

TEST(Reuse, TrustsAConnectionThatWasUsedAMomentAgo) {
  EXPECT_EQ(judge_reuse({.idle_for = 0ms}, !kFresh), Reuse::Yes);
  EXPECT_EQ(judge_reuse({.idle_for = kTrustedFor}, !kFresh), Reuse::IfQuiet);
  EXPECT_EQ(judge_reuse({.idle_for = 14s}, !kFresh), Reuse::IfQuiet);
}

TEST(Reuse, AsksForARequestThatCannotBeRepeated) {
  EXPECT_EQ(judge_reuse({.idle_for = 0ms}, kFresh), Reuse::IfQuiet);
  EXPECT_EQ(judge_reuse({.idle_for = kFreshFor - 1ms}, kFresh), Reuse::IfQuiet);
  EXPECT_EQ(judge_reuse({.idle_for = kFreshFor}, kFresh), Reuse::No);
}

TEST(Reuse, DoubtsAConnectionOnWhichABodyMayFollow) {
  const IdleConnection recent{.idle_for = 0ms, .body_may_follow = true};
  EXPECT_EQ(judge_reuse(recent, !kFresh), Reuse::IfQuiet);
  EXPECT_EQ(judge_reuse(recent, kFresh), Reuse::Close);
  const IdleConnection older{.idle_for = kBodyMayFollowFor, .body_may_follow = true};
  EXPECT_EQ(judge_reuse(older, kFresh), Reuse::IfQuiet);
}

}  // namespace
}  // namespace hpp::proxyd
