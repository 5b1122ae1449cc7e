#include "watchd/inotify/core/directories.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hpp::watchd::inotify {
namespace {

using Kind = Directories::Kind;
constexpr Directories::Id kRoot = Directories::kRoot;

TEST(Directories, HavePathsAndAreFoundByThem) {
  Directories directories;
  const auto a = directories.add(kRoot, "a");
  const auto b = directories.add(a, "b");
  EXPECT_EQ(directories.add(a, "b"), b);
  EXPECT_EQ(directories.path(kRoot), "");
  EXPECT_EQ(directories.path(b), "a/b");
  EXPECT_EQ(directories.path(b, "c"), "a/b/c");
  EXPECT_EQ(directories.at("a/b"), b);
  EXPECT_EQ(directories.at(""), kRoot);
  EXPECT_FALSE(directories.at("a/c"));
}

TEST(Directories, ListTheFilesBelow) {
  Directories directories;
  const auto a = directories.add(kRoot, "a");
  directories.set_names(a, {"y", "x"}, {"fifo"});
  directories.set_kind(kRoot, "z", Kind::File);
  directories.set_kind(a, "y", Kind::Unknown);
  std::vector<std::string> files;
  directories.for_each_file(kRoot, [&](std::string path) { files.push_back(std::move(path)); });
  EXPECT_EQ(files, (std::vector<std::string>{"z", "a/x"}));
  EXPECT_EQ(directories.kind(a, "fifo"), Kind::Special);
  EXPECT_EQ(directories.kind(a, "y"), Kind::Unknown);
}

TEST(Directories, KeepTheWatchOfADirectoryThatMoved) {
  Directories directories;
  const auto a = directories.add(kRoot, "a");
  directories.set_watch(a, 1);
  const auto b = directories.add(kRoot, "b");
  directories.set_watch(b, 1);
  EXPECT_EQ(directories.with_watch(1), b);
  EXPECT_FALSE(directories.is_watched(a));
  directories.remove(a);
  EXPECT_TRUE(directories.take_loose_watches().empty());
}

TEST(Directories, ReturnTheWatchesOfThoseThatWereRemoved) {
  Directories directories;
  const auto a = directories.add(kRoot, "a");
  const auto b = directories.add(a, "b");
  directories.set_watch(a, 1);
  directories.set_watch(b, 2);
  directories.remove(a);
  EXPECT_FALSE(directories.with_watch(2));
  EXPECT_EQ(directories.forget_watch(2), std::nullopt);
  EXPECT_EQ(directories.take_loose_watches(), std::vector<int>{1});
}

}  // namespace
}  // namespace hpp::watchd::inotify
