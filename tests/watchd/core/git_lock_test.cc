#include "watchd/core/git_lock.h"

#include <gtest/gtest.h>

namespace hpp::watchd {
namespace {

using std::chrono::milliseconds;

enum class Decision { Free, Held, RunOut };

class LockPatienceTest : public testing::Test {
 protected:
  LockPatience::Decision judge_all(const std::vector<GitLock>& seen, milliseconds later = {}) {
    now_ += later;
    return patience_.judge(seen, now_);
  }

  // Judges one lock or none.
  Decision judge(const std::optional<GitLock>& seen, milliseconds later = {}) {
    const auto decision = judge_all(seen ? std::vector{*seen} : std::vector<GitLock>{}, later);
    if (decision.is_held) return Decision::Held;
    return decision.given_up.empty() ? Decision::Free : Decision::RunOut;
  }

  const GitLock kLock{.path = "/r/.git/index.lock", .inode = 7, .modified_ns = 1000};
  const GitLock kModule{.path = "/r/.git/modules/m/index.lock", .inode = 8, .modified_ns = 1000};
  const GitLock kNext{.path = "/r/.git/index.lock", .inode = 7, .modified_ns = 2000};

  LockPatience patience_;
  TimePoint now_{};
};

TEST_F(LockPatienceTest, GitIsWritingOnlyWhileThereIsALock) {
  EXPECT_EQ(judge(std::nullopt), Decision::Free);
  EXPECT_EQ(judge(kLock), Decision::Held);
  EXPECT_EQ(judge(std::nullopt), Decision::Free);
}

TEST_F(LockPatienceTest, RunsOutOnceForEachLock) {
  EXPECT_EQ(judge(kLock), Decision::Held);
  EXPECT_EQ(judge(kLock, kGitLockPatience - milliseconds(1)), Decision::Held);
  EXPECT_EQ(judge(kLock, milliseconds(1)), Decision::RunOut);
  EXPECT_EQ(judge(kLock), Decision::Free);
  EXPECT_EQ(judge(kLock, 10 * kGitLockPatience), Decision::Free);
}

TEST_F(LockPatienceTest, TheNextLockIsRespectedAgain) {
  EXPECT_EQ(judge(kLock), Decision::Held);
  EXPECT_EQ(judge(kLock, kGitLockPatience), Decision::RunOut);
  EXPECT_EQ(judge(kNext), Decision::Held) << "the same inode, but another time";
  EXPECT_EQ(judge(kNext, kGitLockPatience), Decision::RunOut);
}

TEST_F(LockPatienceTest, ALockThatComesBackCountsAsANewLock) {
  EXPECT_EQ(judge(kLock), Decision::Held);
  EXPECT_EQ(judge(std::nullopt, kGitLockPatience), Decision::Free);
  EXPECT_EQ(judge(kLock), Decision::Held);
  EXPECT_EQ(judge(kLock, kGitLockPatience - milliseconds(1)), Decision::Held);
}

TEST_F(LockPatienceTest, LocksOfTwoRepositoriesAreJudgedSeparately) {
  EXPECT_TRUE(judge_all({kLock}).is_held);
  EXPECT_TRUE(judge_all({kLock, kModule}, kGitLockPatience - milliseconds(1)).is_held);
  const auto decision = judge_all({kLock, kModule}, milliseconds(1));
  EXPECT_TRUE(decision.is_held) << "the younger lock is still respected";
  EXPECT_EQ(decision.given_up, std::vector{kLock});
  EXPECT_FALSE(judge_all({kLock}).is_held);
}

TEST_F(LockPatienceTest, AGivenUpLockIsRememberedWhenALookDoesNotCoverIt) {
  EXPECT_TRUE(judge_all({kModule}).is_held);
  EXPECT_EQ(judge_all({kModule}, kGitLockPatience).given_up, std::vector{kModule});
  EXPECT_FALSE(judge_all({}).is_held);
  EXPECT_FALSE(judge_all({kModule}).is_held)
      << "otherwise each save in that repository would take 10 s";
}

TEST_F(LockPatienceTest, ForgetsTheOldestOfManyGivenUpLocks) {
  std::vector<GitLock> locks;
  for (std::uint64_t i = 0; i <= kGivenUpMax; ++i) locks.push_back({.path = "/l", .inode = i});
  EXPECT_TRUE(judge_all(locks).is_held);
  EXPECT_EQ(judge_all(locks, kGitLockPatience).given_up, locks);
  EXPECT_FALSE(judge_all({locks.back()}).is_held);
  EXPECT_TRUE(judge_all({locks.front()}).is_held);
}

}  // namespace
}  // namespace hpp::watchd
