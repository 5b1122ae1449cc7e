#include "proxyd/core/reuse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace hpp::proxyd {
namespace {

using namespace std::chrono_literals;

constexpr bool kFresh = true;

TEST(Reuse, TrustsAConnectionThatWasUsedAMomentAgo) {
  EXPECT_EQ(judge_reuse({.idle_for = 0ms}, !kFresh), Reuse::Yes);
  EXPECT_EQ(judge_reuse({.idle_for = kTrustedFor}, !kFresh), Reuse::IfQuiet);
  EXPECT_EQ(judge_reuse({.idle_for = 14s}, !kFresh), Reuse::IfQuiet);
}

TEST(Reuse, AsksTheKernelIfTheRequestCannotBeRepeated) {
  EXPECT_EQ(judge_reuse({.idle_for = 0ms}, kFresh), Reuse::IfQuiet);
  EXPECT_EQ(judge_reuse({.idle_for = kFreshFor - 1ms}, kFresh), Reuse::IfQuiet);
  EXPECT_EQ(judge_reuse({.idle_for = kFreshFor}, kFresh), Reuse::Replace);
}

TEST(Reuse, IsCarefulIfABodyMayFollow) {
  const IdleConnection recent{.idle_for = 0ms, .body_may_follow = true};
  EXPECT_EQ(judge_reuse(recent, !kFresh), Reuse::IfQuiet);
  EXPECT_EQ(judge_reuse(recent, kFresh), Reuse::Close);
  const IdleConnection older{.idle_for = kBodyMayFollowFor, .body_may_follow = true};
  EXPECT_EQ(judge_reuse(older, kFresh), Reuse::IfQuiet);
}

struct Link {
  std::string name;
  IdleState idle;
  bool is_quiet = true;
};

class TakeIdle : public testing::Test {
 protected:
  void add(const std::string& name, std::chrono::milliseconds idle_for, bool is_quiet = true,
           bool body_may_follow = false) {
    idle_.push_back(std::make_unique<Link>(
        Link{.name = name,
             .idle = {.since = kNow - idle_for, .body_may_follow = body_may_follow},
             .is_quiet = is_quiet}));
  }

  // Returns the name of the connection; empty: a new connection must be made.
  std::string take(bool fresh) {
    const auto taken = take_idle(
        idle_, fresh, kNow, [](const auto& link) { return link->is_quiet; },
        [this](const auto& link) { closed_.push_back(link->name); });
    return taken ? (*taken)->name : "";
  }

  const TimePoint kNow{1h};
  std::vector<std::unique_ptr<Link>> idle_;
  std::vector<std::string> closed_;
};

TEST_F(TakeIdle, TakesTheNewestConnectionFirst) {
  add("old", 10s);
  add("new", 1s);
  EXPECT_EQ(take(!kFresh), "new");
  EXPECT_EQ(take(!kFresh), "old");
  EXPECT_EQ(take(!kFresh), "");
  EXPECT_THAT(closed_, testing::IsEmpty());
}

TEST_F(TakeIdle, ClosesAConnectionThatIsNotQuiet) {
  add("old", 10s);
  add("ended", 1s, /*is_quiet=*/false);
  EXPECT_EQ(take(!kFresh), "old");
  EXPECT_THAT(closed_, testing::ElementsAre("ended"));
}

TEST_F(TakeIdle, DoesNotAskTheKernelAboutAConnectionUsedAMomentAgo) {
  add("ended", 0ms, /*is_quiet=*/false);
  EXPECT_EQ(take(!kFresh), "ended");
}

TEST_F(TakeIdle, TakesNoConnectionAfterWhichABodyMayFollowIfTheRequestCannotBeRepeated) {
  add("old", kFreshFor - 1ms);
  add("bodiless", 1ms, /*is_quiet=*/true, /*body_may_follow=*/true);
  EXPECT_EQ(take(kFresh), "old");
  EXPECT_THAT(closed_, testing::ElementsAre("bodiless"));
}

TEST_F(TakeIdle, ANewConnectionReplacesAnOldOneIfTheRequestCannotBeRepeated) {
  add("older", 2 * kFreshFor);
  add("old", kFreshFor);
  EXPECT_EQ(take(kFresh), "");
  EXPECT_THAT(closed_, testing::ElementsAre("old"));
  EXPECT_EQ(take(!kFresh), "older") << "only one has to give way";
}

TEST(Reuse, OnlyACleanConnectionIsKept) {
  EXPECT_TRUE(is_clean({}));
  EXPECT_FALSE(is_clean({.has_ended = true}));
  EXPECT_FALSE(is_clean({.is_broken = true}));
  EXPECT_FALSE(is_clean({.has_input = true}));
  EXPECT_FALSE(is_clean({.has_output = true}));
}

}  // namespace
}  // namespace hpp::proxyd
