#include "watchd/core/git_lock.h"

#include <gtest/gtest.h>

namespace hpp::watchd {
namespace {

using std::chrono::milliseconds;

enum class Verdict { Free, Held, RunOut };

class LockPatienceTest : public testing::Test {
 protected:
  LockPatience::Verdict judge_all(const std::vector<GitLock>& seen, milliseconds later = {}) {
    now_ += later;
    return patience_.judge(seen, now_);
  }

  // The same for one lock at most.
  Verdict judge(const std::optional<GitLock>& seen, milliseconds later = {}) {
    const auto verdict = judge_all(seen ? std::vector{*seen} : std::vector<GitLock>{}, later);
    if (verdict.is_held) return Verdict::Held;
    return verdict.given_up.empty() ? Verdict::Free : Verdict::RunOut;
  }

  const GitLock kLock{.path = "/r/.git/index.lock", .inode = 7, .modified_ns = 1000};
  const GitLock kModule{.path = "/r/.git/modules/m/index.lock", .inode = 8, .modified_ns = 1000};
  const GitLock kNext{.path = "/r/.git/index.lock", .inode = 7, .modified_ns = 2000};

  LockPatience patience_;
  std::chrono::steady_clock::time_point now_{};
};

TEST_F(LockPatienceTest, NoLockIsFree) {
  EXPECT_EQ(judge(std::nullopt), Verdict::Free);
  EXPECT_EQ(judge(kLock), Verdict::Held);
  EXPECT_EQ(judge(std::nullopt), Verdict::Free);
}

TEST_F(LockPatienceTest, RunsOutOnceForOneLock) {
  EXPECT_EQ(judge(kLock), Verdict::Held);
  EXPECT_EQ(judge(kLock, kLockPatience - milliseconds(1)), Verdict::Held);
  EXPECT_EQ(judge(kLock, milliseconds(1)), Verdict::RunOut);
  EXPECT_EQ(judge(kLock), Verdict::Free);
  EXPECT_EQ(judge(kLock, 10 * kLockPatience), Verdict::Free);
}

TEST_F(LockPatienceTest, TheNextLockIsRespectedAnew) {
  EXPECT_EQ(judge(kLock), Verdict::Held);
  EXPECT_EQ(judge(kLock, kLockPatience), Verdict::RunOut);
  EXPECT_EQ(judge(kNext), Verdict::Held) << "of the same inode";
  EXPECT_EQ(judge(kNext, kLockPatience), Verdict::RunOut);
}

TEST_F(LockPatienceTest, ALockThatComesBackIsANewOne) {
  EXPECT_EQ(judge(kLock), Verdict::Held);
  EXPECT_EQ(judge(std::nullopt, kLockPatience), Verdict::Free);
  EXPECT_EQ(judge(kLock), Verdict::Held);
  EXPECT_EQ(judge(kLock, kLockPatience - milliseconds(1)), Verdict::Held);
}

TEST_F(LockPatienceTest, EachRepositoryHasALockOfItsOwn) {
  EXPECT_TRUE(judge_all({kLock}).is_held);
  EXPECT_TRUE(judge_all({kLock, kModule}, kLockPatience - milliseconds(1)).is_held);
  const auto verdict = judge_all({kLock, kModule}, milliseconds(1));
  EXPECT_TRUE(verdict.is_held) << "by the younger lock";
  EXPECT_EQ(verdict.given_up, std::vector{kLock});
  EXPECT_FALSE(judge_all({kLock}).is_held);
}

TEST_F(LockPatienceTest, ALockThatWasGivenUpStaysSoIfItIsNotLookedAt) {
  EXPECT_TRUE(judge_all({kModule}).is_held);
  EXPECT_EQ(judge_all({kModule}, kLockPatience).given_up, std::vector{kModule});
  EXPECT_FALSE(judge_all({}).is_held);
  EXPECT_FALSE(judge_all({kModule}).is_held) << "else each save in that repository took 10 s";
}

TEST_F(LockPatienceTest, ForgetsTheOldestOfManyThatWereGivenUp) {
  std::vector<GitLock> locks;
  for (std::uint64_t i = 0; i <= kGivenUpMax; ++i) locks.push_back({.path = "/l", .inode = i});
  EXPECT_TRUE(judge_all(locks).is_held);
  EXPECT_EQ(judge_all(locks, kLockPatience).given_up, locks);
  EXPECT_FALSE(judge_all({locks.back()}).is_held);
  EXPECT_TRUE(judge_all({locks.front()}).is_held);
}

}  // namespace
}  // namespace hpp::watchd
