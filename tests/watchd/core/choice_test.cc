#include "watchd/core/choice.h"

#include <gtest/gtest.h>

#include "common/wildmatch.h"

namespace hpp::watchd {
namespace {

using Kind = ChosenSource::Kind;

FolderMounts mounts(const char* type, const std::vector<std::string>& silent = {}) {
  FolderMounts mounts{.type = type};
  for (const std::string& point : silent) mounts.silent.push_back({.point = point, .type = "nfs"});
  return mounts;
}

TEST(Choice, DependsOnTheOptionAndTheFileSystem) {
  struct Case {
    const char* watcher;
    bool is_watchman_installed;
    const char* type;
    Kind kind;
    const char* why;
  };

  const Case cases[] = {
      {"auto", true, "ext4", Kind::Watchman, ""},
      {"auto", true, "", Kind::Watchman, ""},
      {"auto", false, "ext4", Kind::Inotify, "using inotify, because Watchman is not installed"},
      {"auto", false, "nfs", Kind::Poll,
       "polling: the file system (nfs) does not report changes that are made elsewhere"},
      {"auto", true, "fuse.bindfs", Kind::Poll,
       "polling: the file system (fuse.bindfs) does not report changes that are made elsewhere"},
      {"watchman", true, "ext4", Kind::Watchman, ""},
      {"watchman", true, "9p", Kind::Watchman,
       "using Watchman, although the file system (9p) does not report changes that are made "
       "elsewhere"},
      {"watchman", false, "ext4", Kind::Watchman, ""},
      {"inotify", true, "ext4", Kind::Inotify, "using inotify, as --watcher says"},
      {"inotify", false, "9p", Kind::Inotify,
       "using inotify, although the file system (9p) does not report changes that are made "
       "elsewhere"},
      {"poll", true, "ext4", Kind::Poll, "polling, as --watcher says"},
      {"poll", true, "nfs", Kind::Poll, "polling, as --watcher says"},
  };
  for (const Case& c : cases) {
    const auto sources =
        choose_sources(c.watcher, c.is_watchman_installed, mounts(c.type), {.css = {"*.css"}}, {});
    ASSERT_EQ(sources.size(), 1U) << c.watcher << ' ' << c.type;
    const bool has_standby = c.kind == Kind::Watchman && c.watcher == kWatcherAuto;
    EXPECT_EQ(sources[0],
              (ChosenSource{.kind = c.kind,
                            .filter = {.css = {"*.css"}},
                            .standby = has_standby ? std::optional(Kind::Inotify) : std::nullopt,
                            .why = c.why}))
        << c.watcher << ' ' << c.type;
  }
}

TEST(Choice, SilentMountsBelowTheRootArePolledAndLeftOutByTheOtherSource) {
  const Filter filter{.excludes = {"tmp"}};
  const auto sources = choose_sources("auto", true, mounts("ext4", {"a", "b/[c]*"}), filter, {});
  ASSERT_EQ(sources.size(), 3U);
  EXPECT_EQ(sources[0].kind, Kind::Watchman);
  EXPECT_EQ(sources[0].filter.excludes,
            (std::vector<std::string>{"tmp", "a/**", "b/\\[c\\]\\*/**"}));
  EXPECT_EQ(sources[1].kind, Kind::Poll);
  EXPECT_EQ(sources[1].folder, "a/");
  EXPECT_EQ(sources[1].filter, filter);
  EXPECT_EQ(sources[1].why,
            "polling a: the file system (nfs) does not report changes that are made elsewhere");
  EXPECT_EQ(sources[2].folder, "b/[c]*/");
  const Wildmatch exclude(sources[0].filter.excludes[2]);
  EXPECT_TRUE(exclude.matches("b/[c]*/d"));
  EXPECT_FALSE(exclude.matches("b/cx/d"));
}

TEST(Choice, AMountWithoutFilesThatCountHasNoSource) {
  EXPECT_EQ(
      choose_sources("auto", true, mounts("ext4", {"a", "b"}), {.patterns = {"src/**"}}, {}).size(),
      1U);
  const std::vector<std::string> ignored{"a"};
  EXPECT_EQ(choose_sources("auto", true, mounts("ext4", {"a", "b"}), {}, ignored).size(), 2U);
}

TEST(Choice, ALinksTargetIsPolledIfASilentMountIsBelowIt) {
  const Filter filter{.excludes = {"tmp"}};
  EXPECT_EQ(choose_source("auto", true, mounts("ext4"), filter, {}),
            (ChosenSource{.kind = Kind::Watchman, .filter = filter, .standby = Kind::Inotify}));
  EXPECT_EQ(choose_source("auto", true, mounts("ext4", {"tmp"}), {.patterns = {"src/**"}}, {}).kind,
            Kind::Watchman);
  EXPECT_EQ(
      choose_source("auto", true, mounts("ext4", {"a"}), filter, {}),
      (ChosenSource{.kind = Kind::Poll,
                    .filter = filter,
                    .why = "polling a: the file system (nfs) does not report changes that are made "
                           "elsewhere"}));
}

TEST(Choice, OneWatcherForAllFilesCanBeForced) {
  for (const char* watcher : {"watchman", "inotify", "poll"}) {
    const auto sources = choose_sources(watcher, true, mounts("ext4", {"a"}), {}, {});
    ASSERT_EQ(sources.size(), 1U) << watcher;
    EXPECT_EQ(sources[0].filter, Filter{}) << watcher;
  }
}

TEST(Choice, WhereInotifyCannotWatchFilesArePolled) {
  const auto sources = choose_sources("auto", false, mounts("ext4", {"a"}), {}, {});
  const ChosenSource next = next_source(sources[0]);
  EXPECT_EQ(next.kind, Kind::Poll);
  EXPECT_EQ(next.filter, sources[0].filter);
  EXPECT_EQ(next.why, "polling, because inotify cannot watch all folders");

  const auto watched = choose_sources("auto", true, mounts("ext4"), {}, {});
  const ChosenSource standby_next = next_source(watched[0]);
  EXPECT_EQ(standby_next.kind, Kind::Watchman);
  EXPECT_EQ(standby_next.standby, Kind::Poll);
}

TEST(Choice, AQueueIsAloneWithoutAStandbyAndWithoutPolling) {
  EXPECT_TRUE(is_queue_alone({.kind = Kind::Inotify}));
  EXPECT_FALSE(is_queue_alone({.kind = Kind::Watchman, .standby = Kind::Inotify}));
  EXPECT_FALSE(is_queue_alone({.kind = Kind::Poll}));
}

}  // namespace
}  // namespace hpp::watchd
