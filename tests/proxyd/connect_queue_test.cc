#include "proxyd/connect_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "tests/support/run_until.h"

namespace hpp::proxyd {
namespace {

class ConnectQueueTest : public testing::Test {
 protected:
  struct Member final : ConnectQueue::Member {
    Member(ConnectQueueTest& owner, int its_name) : test(owner), name(its_name) {}

    void on_turn() override { test.turns_.push_back(name); }

    ConnectQueueTest& test;
    int name;
    std::uint64_t number = 0;
  };

  void join(int name) {
    Member& member = members_.emplace_back(*this, name);
    member.number = queue_.join(member);
  }

  void leave(int name) { queue_.leave(members_[static_cast<std::size_t>(name)].number); }

  void run() { run_for(loop_, Milliseconds{1}); }

  Loop loop_;
  ConnectQueue queue_{loop_};
  std::deque<Member> members_;
  std::vector<int> turns_;
};

TEST_F(ConnectQueueTest, AdmitsAFewAtOnceAndTheOthersInOrder) {
  constexpr int kAtOnce = static_cast<int>(ConnectQueue::kAtOnce);
  constexpr int kAll = 3 * kAtOnce;
  for (int i = 0; i < kAll; ++i) join(i);
  EXPECT_EQ(turns_.size(), ConnectQueue::kAtOnce) << "at once, without a turn of the loop";
  for (int i = 0; i < kAll; ++i) {
    leave(i);
    run();
    ASSERT_EQ(turns_.size(), static_cast<std::size_t>(std::min(kAll, kAtOnce + i + 1)));
  }
  for (int i = 0; i < kAll; ++i) EXPECT_EQ(turns_[static_cast<std::size_t>(i)], i);
}

TEST_F(ConnectQueueTest, ForgetsAMemberThatLeavesBeforeItsTurn) {
  constexpr int kAtOnce = static_cast<int>(ConnectQueue::kAtOnce);
  for (int i = 0; i < kAtOnce + 3; ++i) join(i);
  leave(kAtOnce);
  leave(kAtOnce + 2);
  leave(0);
  run();
  ASSERT_EQ(turns_.size(), ConnectQueue::kAtOnce + 1);
  EXPECT_EQ(turns_.back(), kAtOnce + 1);
}

// There is room for a member that joins while others wait, but they come first.
TEST_F(ConnectQueueTest, ANewMemberDoesNotOvertakeTheOthers) {
  constexpr int kAtOnce = static_cast<int>(ConnectQueue::kAtOnce);
  for (int i = 0; i < kAtOnce + 1; ++i) join(i);
  leave(0);
  join(kAtOnce + 1);
  EXPECT_EQ(turns_.size(), ConnectQueue::kAtOnce);
  run();
  EXPECT_EQ(turns_.back(), kAtOnce);
}

}  // namespace
}  // namespace hpp::proxyd
