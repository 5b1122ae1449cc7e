#include "watchd/core/git_lock.h"

#include <gtest/gtest.h>

namespace hpp::watchd {
namespace {

using Verdict = LockPatience::Verdict;
using std::chrono::milliseconds;

class LockPatienceTest : public testing::Test {
 protected:
  Verdict judge(const std::optional<GitLock>& seen, milliseconds later = {}) {
    now_ += later;
    return patience_.judge(seen, now_);
  }

  const GitLock kLock{.path = "/r/.git/index.lock", .inode = 7, .modified_ns = 1000};
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

}  // namespace
}  // namespace hpp::watchd
