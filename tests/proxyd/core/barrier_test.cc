#include "proxyd/core/barrier.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kEpoch = 11;
constexpr auto kTimeout = 2000ms;

class BarrierTest : public testing::Test {
 protected:
  // Feeds a report of watchd, which answers ticket `number` of the barrier's epoch.
  void tree(std::uint64_t number, bool watching = true, bool settling = false,
            std::uint64_t epoch = kEpoch) {
    barrier_.on(
        {.watching = watching, .answers = {.epoch = epoch, .number = number}, .settling = settling},
        now_);
  }

  // Returns the number of the ticket that is published now; 0: none.
  std::uint64_t next() {
    const auto ticket = barrier_.next(now_);
    if (!ticket) return 0;
    EXPECT_EQ(ticket->epoch, kEpoch);
    return ticket->number;
  }

  // Runs the barrier for this time, as the shell does: calls it whenever wake_at() says. Returns
  // how many tickets were published.
  int pass(std::chrono::milliseconds time) {
    const TimePoint end = now_ + time;
    int published = 0;
    while (barrier_.wake_at() && *barrier_.wake_at() <= end) {
      now_ = std::max(now_, *barrier_.wake_at());
      if (next() != 0) ++published;
    }
    now_ = end;
    return published;
  }

  Barrier barrier_{{.is_on = true, .timeout = kTimeout, .epoch = kEpoch}};
  TimePoint now_{1h};
};

TEST_F(BarrierTest, PublishesATicketForArrivedRequests) {
  EXPECT_EQ(next(), 0U) << "nobody has";
  EXPECT_FALSE(barrier_.wake_at());
  const auto ticket = barrier_.take(now_);
  EXPECT_EQ(barrier_.take(now_), ticket) << "one for all of a turn";
  EXPECT_FALSE(barrier_.is_answered(ticket));
  EXPECT_EQ(next(), ticket);
  EXPECT_EQ(next(), 0U) << "it is under way";
  tree(ticket);
  EXPECT_TRUE(barrier_.is_answered(ticket));
  EXPECT_EQ(next(), 0U);
  EXPECT_FALSE(barrier_.wake_at());
}

TEST_F(BarrierTest, ATicketFromBeforeARequestDoesNotCoverIt) {
  const auto first = barrier_.take(now_);
  EXPECT_EQ(next(), first);
  const auto second = barrier_.take(now_);
  EXPECT_GT(second, first);
  EXPECT_EQ(next(), 0U) << "one at a time";
  tree(first);
  EXPECT_TRUE(barrier_.is_answered(first));
  EXPECT_FALSE(barrier_.is_answered(second));
  EXPECT_EQ(next(), second) << "as soon as the first is answered";
  tree(second);
  EXPECT_TRUE(barrier_.is_answered(second));
}

TEST_F(BarrierTest, PublishesALostTicketAgain) {
  const auto ticket = barrier_.take(now_);
  EXPECT_EQ(next(), ticket);
  EXPECT_EQ(pass(kAskAgainAfter), 1);
  EXPECT_EQ(pass(10 * kAskAgainAfter), 10);
  tree(ticket + 4);  // the answer to any of them is enough
  EXPECT_TRUE(barrier_.is_answered(ticket));
  EXPECT_EQ(pass(1h), 0);
}

TEST_F(BarrierTest, IgnoresAnswersToAnotherProxyd) {
  const auto ticket = barrier_.take(now_);
  EXPECT_EQ(next(), ticket);
  tree(ticket + 100, true, false, kEpoch + 1);
  EXPECT_FALSE(barrier_.is_answered(ticket));
}

TEST_F(BarrierTest, LapsesAndComesBack) {
  const auto ticket = barrier_.take(now_);
  EXPECT_EQ(next(), ticket);
  pass(kTimeout - 1ms);
  EXPECT_TRUE(barrier_.is_strict());
  pass(1ms);
  EXPECT_TRUE(barrier_.has_lapsed());
  EXPECT_FALSE(barrier_.is_strict());
  EXPECT_FALSE(barrier_.is_answered(ticket));
  EXPECT_FALSE(barrier_.wake_at()) << "a lapsed barrier needs no timer";
  now_ += 1h;
  const auto probe = barrier_.take(now_);
  EXPECT_GE(next(), probe) << "each request asks";
  EXPECT_FALSE(barrier_.is_strict());
  tree(probe);
  EXPECT_TRUE(barrier_.is_strict());
  EXPECT_FALSE(barrier_.has_lapsed());
}

TEST_F(BarrierTest, DoesNotCountTheTimeInWhichProxydWasStopped) {
  const auto ticket = barrier_.take(now_);
  EXPECT_EQ(next(), ticket);
  now_ += kTimeout + 1h;
  const auto again = next();
  EXPECT_GT(again, ticket) << "the answer may be lost as well";
  EXPECT_TRUE(barrier_.is_strict()) << "or it has not been read yet";
  tree(again);
  EXPECT_TRUE(barrier_.is_answered(ticket));
  const auto other = barrier_.take(now_);
  EXPECT_NE(next(), 0U);
  now_ += 1h;
  EXPECT_NE(next(), 0U);
  pass(kTimeout);
  EXPECT_TRUE(barrier_.has_lapsed()) << "no answer to " << other << " has come after the stop";
}

TEST_F(BarrierTest, DoesNotCountAStopDuringALostWatch) {
  tree(0);
  tree(0, /*watching=*/false);
  const auto ticket = barrier_.take(now_);
  now_ += kTimeout + 1h;
  EXPECT_EQ(next(), 0U);
  EXPECT_TRUE(barrier_.is_strict()) << "news of a new watch may not have been read yet";
  EXPECT_EQ(barrier_.wake_at(), now_ + kNewsAfterStall);
  now_ += kNewsAfterStall - 1ms;
  tree(0, /*watching=*/true);
  EXPECT_TRUE(barrier_.is_strict());
  EXPECT_EQ(next(), ticket);
}

TEST_F(BarrierTest, LapsesOnAMachineThatIsAlwaysLate) {
  tree(0);
  tree(0, /*watching=*/false);
  (void)barrier_.take(now_);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(barrier_.is_strict());
    now_ = barrier_.wake_at().value_or(now_) + kStalledAfter;
    (void)next();
  }
  EXPECT_TRUE(barrier_.has_lapsed()) << "the wait is prolonged once";
  tree(0, /*watching=*/true);
  tree(0, /*watching=*/false);
  now_ += kTimeout + kStalledAfter;
  (void)next();
  EXPECT_TRUE(barrier_.is_strict()) << "once for each wait";
}

TEST_F(BarrierTest, DoesNotCountAStopBeforeTheFirstTicket) {
  const auto ticket = barrier_.take(now_);
  now_ += kTimeout;
  EXPECT_EQ(next(), ticket);
  EXPECT_TRUE(barrier_.is_strict()) << "watchd has not been asked yet";
  pass(kTimeout - 1ms);
  EXPECT_TRUE(barrier_.is_strict());
  pass(1ms);
  EXPECT_TRUE(barrier_.has_lapsed());
}

TEST_F(BarrierTest, DoesNotCountAStopThatBeginsJustBeforeTheTimeout) {
  const auto ticket = barrier_.take(now_);
  EXPECT_EQ(next(), ticket);
  pass(kTimeout - 1ms);
  now_ += 1h;
  EXPECT_GT(next(), ticket);
  EXPECT_TRUE(barrier_.is_strict()) << "the answer may not have been read yet";
  pass(kNewsAfterStall);
  EXPECT_TRUE(barrier_.has_lapsed());
}

TEST_F(BarrierTest, CountsTheTimeoutFromTheLastAnswer) {
  for (int i = 0; i < 10; ++i) {
    const auto ticket = barrier_.take(now_);
    (void)next();
    pass(kTimeout - 100ms);
    (void)barrier_.take(now_);  // there is always a waiting request
    tree(ticket);
    (void)next();
  }
  EXPECT_TRUE(barrier_.is_strict());
}

TEST_F(BarrierTest, WaitsLongerWhileGitWrites) {
  const auto ticket = barrier_.take(now_);
  EXPECT_EQ(next(), ticket);
  tree(0, true, /*settling=*/true);
  pass(kSettlingMax);
  EXPECT_TRUE(barrier_.is_strict());
  pass(kTimeout);
  EXPECT_TRUE(barrier_.has_lapsed()) << "but not for ever";
}

TEST_F(BarrierTest, DoesNotWaitIfThereNeverWasAWatch) {
  const auto ticket = barrier_.take(now_);
  EXPECT_EQ(next(), ticket);
  tree(0, /*watching=*/false);
  EXPECT_FALSE(barrier_.is_strict());
  EXPECT_EQ(next(), 0U);
  EXPECT_FALSE(barrier_.wake_at());
  now_ += 1h;
  EXPECT_FALSE(barrier_.has_lapsed()) << "watchd has said why";
  const auto late = barrier_.take(now_);
  tree(0, /*watching=*/true);
  EXPECT_TRUE(barrier_.is_strict());
  EXPECT_GE(next(), late);
  EXPECT_FALSE(barrier_.has_lapsed()) << "its time begins now";
}

TEST_F(BarrierTest, WaitsForALostWatch) {
  tree(0);
  const auto before = barrier_.take(now_);
  EXPECT_EQ(next(), before);
  now_ += kTimeout - 1ms;
  tree(0, /*watching=*/false);
  EXPECT_TRUE(barrier_.is_strict());
  const auto during = barrier_.take(now_);
  EXPECT_EQ(pass(kTimeout - 1ms), 0) << "watchd could not answer";
  EXPECT_TRUE(barrier_.is_strict()) << "the time is counted from the loss";
  tree(0, /*watching=*/false);
  tree(0, /*watching=*/true);
  EXPECT_TRUE(barrier_.is_strict());
  EXPECT_FALSE(barrier_.is_answered(during));
  const auto ticket = next();
  EXPECT_GE(ticket, during);
  pass(kTimeout - 1ms);
  EXPECT_TRUE(barrier_.is_strict()) << "the new watch has its own time";
  tree(ticket);
  EXPECT_TRUE(barrier_.is_answered(during));
}

TEST_F(BarrierTest, LapsesIfALostWatchDoesNotComeBack) {
  tree(0);
  tree(0, /*watching=*/false);
  pass(kTimeout / 2);
  (void)barrier_.take(now_);
  tree(0, /*watching=*/false);
  pass(kTimeout / 2);
  EXPECT_TRUE(barrier_.has_lapsed()) << "repeated reports of the loss do not prolong it";
  EXPECT_FALSE(barrier_.is_strict());
  (void)barrier_.take(now_);
  EXPECT_FALSE(barrier_.is_strict()) << "a request that comes later does not wait either";
  EXPECT_EQ(next(), 0U);
  EXPECT_FALSE(barrier_.wake_at());
  tree(0, /*watching=*/true);
  EXPECT_TRUE(barrier_.is_strict());
  EXPECT_FALSE(barrier_.has_lapsed());
}

TEST_F(BarrierTest, LapsesEvenIfNoRequestWaits) {
  tree(0);
  tree(0, /*watching=*/false);
  pass(kTimeout);
  EXPECT_TRUE(barrier_.has_lapsed());
}

TEST_F(BarrierTest, DoesNotWaitForAWatchThatIsLostWhileLapsed) {
  tree(0);
  (void)barrier_.take(now_);
  (void)next();
  pass(kTimeout);
  EXPECT_TRUE(barrier_.has_lapsed()) << "Watchman hangs";
  tree(0, /*watching=*/false);
  (void)barrier_.take(now_);
  EXPECT_FALSE(barrier_.is_strict());
}

TEST_F(BarrierTest, ADirectoryShowsThatThereWasAWatchBeforeThisProxyd) {
  barrier_.on({.watching = false, .directory_id = "8:1:2"}, now_);
  (void)barrier_.take(now_);
  EXPECT_TRUE(barrier_.is_strict());
  pass(kTimeout);
  EXPECT_TRUE(barrier_.has_lapsed());
}

TEST_F(BarrierTest, OffGivesNoTickets) {
  Barrier off({.is_on = false, .timeout = kTimeout, .epoch = kEpoch});
  EXPECT_EQ(off.take(now_), 0U);
  EXPECT_FALSE(off.is_strict());
  EXPECT_FALSE(off.is_answered(0));
  EXPECT_FALSE(off.next(now_));
  EXPECT_FALSE(off.wake_at());
}

TEST_F(BarrierTest, NeedsNoTicketIfWatchdIsIdleAtTheNewestReport) {
  const bus::TreeState tree{
      .stamp = {.epoch = 5, .sequence = 7}, .revision = 3, .clock = "c", .watching = true};
  const bus::IdlePoint idle{.epoch = 5, .sequence = 7};
  EXPECT_NE(barrier_.take(now_, idle), 0U) << "there is no report yet";
  barrier_.on(tree, now_);
  EXPECT_NE(barrier_.take(now_), 0U) << "watchd works";
  EXPECT_NE(barrier_.take(now_, bus::IdlePoint{.epoch = 5, .sequence = 8}), 0U) << "another report";
  EXPECT_NE(barrier_.take(now_, bus::IdlePoint{.epoch = 6, .sequence = 7}), 0U) << "another watchd";
  EXPECT_EQ(barrier_.take(now_, idle), 0U);
  EXPECT_EQ(barrier_.needs(0), (bus::TreePoint{.epoch = 5, .revision = 3}));
}

TEST_F(BarrierTest, TakesATicketIfTheReportMayMissSaves) {
  const bus::IdlePoint idle{.epoch = 5, .sequence = 7};
  const bus::Stamp stamp{.epoch = 5, .sequence = 7};
  for (const bus::TreeState& tree :
       {bus::TreeState{.stamp = stamp, .watching = false},
        bus::TreeState{.stamp = stamp, .watching = true, .settling = true},
        bus::TreeState{.stamp = stamp, .watching = true, .lag_ms = 1}}) {
    barrier_.on(tree, now_);
    EXPECT_NE(barrier_.take(now_, idle), 0U);
  }
}

TEST_F(BarrierTest, NeedsNoTicketIfItIsOff) {
  Barrier off({.is_on = false});
  EXPECT_EQ(off.take(now_), 0U);
}

}  // namespace
}  // namespace hpp::proxyd
