#include "common/bus/author.h"

#include <gtest/gtest.h>

namespace hpp::bus {
namespace {

using std::chrono::milliseconds;

constexpr Author::Sending kDurable{.news = News::Durable, .restarts_timer = false};

class AuthorTest : public testing::Test {
 protected:
  Stamp stamp() const { return stamp_of(*author_.last()); }

  Author author_{7};
};

TEST_F(AuthorTest, StampsEachNewSnapshot) {
  EXPECT_FALSE(author_.last().has_value());
  EXPECT_FALSE(author_.has_published());
  EXPECT_EQ(author_.publish(TreeState{}), kDurable) << "the first snapshot is always durable";
  EXPECT_EQ(stamp(), (Stamp{.epoch = 7, .sequence = 1}));
  EXPECT_EQ(author_.publish(TreeState{}), std::nullopt);
  EXPECT_EQ(author_.publish(TreeState{.stamp = {.epoch = 1, .sequence = 2}}), std::nullopt);
  EXPECT_EQ(author_.publish(TreeState{.revision = 1}), kDurable);
  EXPECT_EQ(stamp(), (Stamp{.epoch = 7, .sequence = 2}));
  EXPECT_EQ(*author_.last(),
            Message(TreeState{.stamp = {.epoch = 7, .sequence = 2}, .revision = 1}));
}

TEST_F(AuthorTest, PutsItsNameIntoEachSnapshot) {
  author_ = Author(7, "api");
  EXPECT_EQ(author_.publish(TreeState{}), kDurable);
  EXPECT_EQ(stamp(), (Stamp{.author = "api", .epoch = 7, .sequence = 1}));
  EXPECT_EQ(stamp_of(author_.kept()), stamp());
}

TEST_F(AuthorTest, CutsASnapshotToItsLimits) {
  (void)author_.publish(TreeState{.problem = std::string(kTextMax + 1, 'x')});
  EXPECT_LE(std::get<TreeState>(*author_.last()).problem.size(), kTextMax);
  EXPECT_EQ(author_.publish(TreeState{.problem = std::string(kTextMax + 1, 'x')}), std::nullopt);
}

TEST_F(AuthorTest, SendsTicketsOnlyToTicketHandlers) {
  (void)author_.publish(ProxyState{});
  EXPECT_EQ(author_.publish(ProxyState{.asks = {.epoch = 1, .number = 1}})->news, News::Ticket);
  EXPECT_EQ(author_.publish(ProxyState{.released = 1})->news, News::Fleeting);
  EXPECT_EQ(author_.publish(ProxyState{.held = 1})->news, News::Durable);
  for (const News news : {News::Durable, News::Fleeting, News::Ticket}) {
    EXPECT_TRUE(reaches(news, Audience::TicketHandlers));
    EXPECT_EQ(reaches(news, Audience::Everybody), news != News::Ticket);
  }
}

TEST_F(AuthorTest, ASuccessorContinuesAboveAllSentSequences) {
  (void)author_.publish(TreeState{.revision = 3});
  const Message kept = author_.kept();
  for (std::uint64_t number = 1; number <= 1000; ++number) {
    EXPECT_EQ(
        author_.publish(TreeState{.revision = 3, .answers = {.epoch = 1, .number = number}})->news,
        News::Ticket);
  }
  Author successor(8);
  successor.resume(kept);
  EXPECT_EQ(successor.epoch(), 7U);
  EXPECT_EQ(std::get<TreeState>(*successor.last()).revision, 3U);
  EXPECT_FALSE(successor.has_published()) << "the snapshot from the file may be outdated";
  EXPECT_EQ(successor.publish(TreeState{.revision = 3}), kDurable) << "unchanged, but confirmed";
  EXPECT_EQ(stamp_of(*successor.last()).epoch, 7U);
  EXPECT_GT(stamp_of(*successor.last()).sequence, stamp().sequence);
}

TEST_F(AuthorTest, DoesNotStoreTicketsInTheFile) {
  (void)author_.publish(TreeState{.revision = 3, .answers = {.epoch = 1, .number = 2}});
  EXPECT_EQ(author_.kept(),
            Message(TreeState{.stamp = {.epoch = 7, .sequence = 1}, .revision = 3}));
}

TEST_F(AuthorTest, RepeatsAtGrowingIntervals) {
  (void)author_.publish(TreeState{});
  for (milliseconds delay = kRepeatMin; delay < kRepeatMax; delay *= 2) {
    EXPECT_EQ(author_.repeat_delay(), delay);
    author_.repeated(/*is_file_written=*/true);
  }
  author_.repeated(/*is_file_written=*/true);
  EXPECT_EQ(author_.repeat_delay(), kRepeatMax);
  EXPECT_TRUE(author_.publish(TreeState{.revision = 1})->restarts_timer);
  EXPECT_EQ(author_.repeat_delay(), kRepeatMin);
  EXPECT_FALSE(author_.publish(TreeState{.revision = 2})->restarts_timer)
      << "messages every 100 ms must not delay the repetition";
}

TEST_F(AuthorTest, RetriesAFailedWriteSoon) {
  (void)author_.publish(TreeState{});
  author_.repeated(/*is_file_written=*/true);
  author_.repeated(/*is_file_written=*/false);
  EXPECT_EQ(author_.repeat_delay(), kRepeatMin);
}

}  // namespace
}  // namespace hpp::bus
