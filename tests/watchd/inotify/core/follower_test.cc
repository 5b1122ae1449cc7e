#include "watchd/inotify/core/follower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace hpp::watchd::inotify {
namespace {

class FollowerTest : public testing::Test {
 protected:
  const Effects& take(const Event& event) { return effects_ = follower_.on(event, {}); }

  template <class Wanted>
  const Wanted* find() const {
    for (const Effect& effect : effects_) {
      if (const auto* const found = std::get_if<Wanted>(&effect)) return found;
    }
    return nullptr;
  }

  void open_queue() {
    take(Watch{});
    take(QueueOpened{.token = "t"});
  }

  // Watches a project folder with these names.
  void watch(std::vector<Entry> entries) {
    open_queue();
    take(DirectoryOpened{.watch = 1, .entries = std::move(entries)});
  }

  Follower follower_{{.filter = {}, .ignored = {}}};
  Effects effects_;
};

TEST_F(FollowerTest, CrawlsAndWatches) {
  watch({{.name = "a", .is = Entry::Is::Directory}, {.name = "link", .is = Entry::Is::Link}});
  EXPECT_EQ(effects_, Effects{OpenDirectory{"a"}});
  take(DirectoryOpened{.watch = 2});
  EXPECT_EQ(effects_, (Effects{LinksListed{{"link"}}, Began{.clock = "inotify:t:0", .files = {}},
                               ReadQueue{}}));
  take(QueueRead{});
  EXPECT_EQ(effects_, (Effects{KeepPosition{0}, Watching{}}));
  EXPECT_EQ(follower_.state(), Follower::State::Watching);
}

TEST_F(FollowerTest, LinksAreListedAgainAfterAnOverflow) {
  watch({{.name = "link", .is = Entry::Is::Link}});
  take(QueueRead{});
  EXPECT_EQ(follower_.state(), Follower::State::Watching);
  take(QueueReadable{});
  take(QueueRead{{{.is = QueueEvent::Is::Overflowed}}});
  EXPECT_EQ(effects_.back(), Effect(OpenDirectory{""}));
  take(DirectoryOpened{.watch = 1, .entries = {{.name = "new", .is = Entry::Is::Link}}});
  EXPECT_EQ(effects_, (Effects{LinksListed{{"new"}}, ReadQueue{}}));
}

TEST_F(FollowerTest, SaysWhichLimitOfWatchesIsReached) {
  open_queue();
  take(DirectoryOpened{.error = ENOSPC, .limit = 8192});
  ASSERT_NE(find<Lost>(), nullptr);
  EXPECT_NE(find<Lost>()->why.find("fs.inotify.max_user_watches is 8192"), std::string::npos);
  EXPECT_NE(find<Lost>()->why.find("sudo sysctl fs.inotify.max_user_watches=16384"),
            std::string::npos);
  EXPECT_TRUE(find<Lost>()->is_final);
  EXPECT_EQ(follower_.state(), Follower::State::Off);
}

TEST_F(FollowerTest, SaysWhichLimitOfInstancesIsReached) {
  take(Watch{});
  take(QueueOpened{.error = EMFILE, .limit = 128});
  ASSERT_NE(find<Lost>(), nullptr);
  EXPECT_NE(find<Lost>()->why.find("fs.inotify.max_user_instances is 128"), std::string::npos);
  EXPECT_TRUE(find<Lost>()->is_final);
}

TEST_F(FollowerTest, WarnsOfAnUnreadableDirectoryOnce) {
  for (const bool is_told : {false, true}) {
    watch({{.name = "a", .is = Entry::Is::Directory}});
    take(DirectoryOpened{.error = EACCES});
    take(QueueRead{});
    EXPECT_EQ(find<Say>() == nullptr, is_told);
    take(Unwatch{});
  }
}

TEST_F(FollowerTest, ANewLinkIsReportedIfNoPatternMatchesIt) {
  follower_ = Follower({.filter = {.patterns = {"*.py"}, .excludes = {"*.tmp"}}, .ignored = {}});
  watch({});
  take(QueueRead{});
  take(QueueReadable{});
  std::vector<QueueEvent> events;
  for (const char* name : {"lib", "notes", "a.tmp", "a.py"}) {
    events.push_back({.watch = 1, .name = name});
  }
  take(QueueRead{events});
  EXPECT_EQ(effects_.back(), Effect(FindLinks{{"lib", "notes"}}));
  take(LinksFound{{"lib"}});
  take(TimerExpired{});
  take(QueueRead{});
  EXPECT_EQ(effects_.back(), Effect(Examine{.names = {"a.py", "lib"}}));
  take(Examined{{{.is = Directories::Kind::File}, {.is = Directories::Kind::File}}});
  ASSERT_NE(find<Changed>(), nullptr);
  EXPECT_EQ(find<Changed>()->files.size(), 2U);
}

TEST_F(FollowerTest, CountsAChangeIfItsPredecessorEndedInTheMiddle) {
  take(Watch{.since = "inotify:t:5"});
  EXPECT_EQ(effects_, Effects{OpenQueue{"t"}});
  take(QueueOpened{.token = "t", .is_kept = true, .position = 6});
  take(DirectoryOpened{.watch = 1});
  take(QueueRead{});
  ASSERT_NE(find<Changed>(), nullptr);
  EXPECT_NE(find<Changed>()->lost_track, "");
  EXPECT_EQ(find<Changed>()->clock, "inotify:t:6");
}

TEST_F(FollowerTest, InventsNoChangeIfItsPredecessorHadReportedAll) {
  take(Watch{.since = "inotify:t:5"});
  take(QueueOpened{.token = "t", .is_kept = true, .position = 5});
  take(DirectoryOpened{.watch = 1, .entries = {{.name = "a"}}});
  take(QueueRead{});
  ASSERT_NE(find<Changed>(), nullptr);
  EXPECT_EQ(*find<Changed>(), (Changed{.clock = "inotify:t:5", .files = {}, .lost_track = {}}));
}

}  // namespace
}  // namespace hpp::watchd::inotify
