#include "common/tree_clock.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

TEST(TreeClock, OfOnePartIsThePartsClock) {
  EXPECT_EQ(parse_tree_clock("c:1:2"), (TreeClock{.first = "c:1:2", .others = {}}));
  EXPECT_EQ(to_string({.first = "c:1:2", .others = {}}), "c:1:2");
  EXPECT_EQ(parse_tree_clock(""), TreeClock{});
}

TEST(TreeClock, HasALineForEachOtherPart) {
  const TreeClock clock{.first = "c:1:2",
                        .others = {{"0a", "64:12", "inotify:t:9"}, {"0b", "64:13", "poll:ff"}}};
  EXPECT_EQ(to_string(clock), "c:1:2\n0a 64:12 inotify:t:9\n0b 64:13 poll:ff");
  EXPECT_EQ(parse_tree_clock(to_string(clock)), clock);
}

TEST(TreeClock, OfTheOthersMayStandAlone) {
  const TreeClock clock{.first = "", .others = {{"0a", "64:12", "inotify:t:9"}}};
  EXPECT_EQ(parse_tree_clock(to_string(clock)), clock);
}

TEST(TreeClock, BeginsWithTheSource) {
  EXPECT_EQ(source_of("c:1:2"), WatchSource::Watchman);
  EXPECT_EQ(source_of("inotify:t:9"), WatchSource::Inotify);
  EXPECT_EQ(source_of("poll:ff"), WatchSource::Poll);
  EXPECT_EQ(source_of(""), WatchSource::Unknown);
}

}  // namespace
}  // namespace hpp
