#include "watchd/folder_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::watchd {
namespace {

namespace fs = std::filesystem;

class FolderWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(at("a/b/project"));
    fs::create_directories(at("releases/1/site"));
    fs::create_directories(at("releases/2/site"));
    fs::create_directory_symlink("releases/1", at("current"));
  }

  fs::path at(const std::string& name) const { return fs::path(directory_.path()) / name; }

  void watch(const std::string& name) {
    watch_.emplace(loop_, at(name), [this] { ++stirs_; });
    id_ = watch_->look();
    EXPECT_NE(id_, "");
  }

  // Whether the watch reports a change, and another directory is seen afterwards.
  bool notices() {
    const int before = stirs_;
    if (!run_until(loop_, [&] { return stirs_ > before; })) return false;
    return std::exchange(id_, watch_->look()) != id_;
  }

  void switch_link(const std::string& target) {
    fs::create_directory_symlink(target, at("new"));
    fs::rename(at("new"), at("current"));
  }

  TemporaryDirectory directory_;
  Loop loop_;
  int stirs_ = 0;
  std::string id_;
  std::optional<FolderWatch> watch_;
};

TEST_F(FolderWatchTest, NoticesAFolderThatIsRemovedAndMadeAgain) {
  watch("a/b/project");
  for (int i = 0; i < 5; ++i) {
    fs::remove(at("a/b/project"));
    fs::create_directory(at("a/b/project"));
    EXPECT_TRUE(notices()) << "although the kernel may reuse the inode number";
  }
}

TEST_F(FolderWatchTest, NoticesAFolderThatIsRenamedAwayAndBack) {
  watch("a/b/project");
  const std::string id = id_;
  fs::rename(at("a/b/project"), at("a/b/aside"));
  EXPECT_TRUE(notices());
  EXPECT_EQ(id_, "");
  fs::rename(at("a/b/aside"), at("a/b/project"));
  EXPECT_TRUE(notices());
  EXPECT_EQ(id_, id);
}

TEST_F(FolderWatchTest, NoticesARenamedFolderFarAbove) {
  watch("a/b/project");
  fs::rename(at("a"), at("aside"));
  EXPECT_TRUE(notices());
  EXPECT_EQ(id_, "");
  fs::create_directories(at("a/b/project"));
  EXPECT_TRUE(run_until(loop_, [&] { return watch_->look() != ""; }));
}

TEST_F(FolderWatchTest, NoticesALinkThatIsSwitched) {
  watch("current/site");
  for (const char* target : {"releases/2", "releases/1", "releases/2"}) {
    switch_link(target);
    EXPECT_TRUE(notices()) << target;
  }
  fs::rename(at("releases/2/site"), at("releases/2/aside"));
  EXPECT_TRUE(notices()) << "a part of the path behind the link";
}

TEST_F(FolderWatchTest, NoticesALinkThatIsSwitchedToAnAbsolutePath) {
  watch("current/site");
  switch_link(at("releases/2"));
  EXPECT_TRUE(notices());
}

TEST_F(FolderWatchTest, IgnoresOtherFilesInTheSameFolder) {
  watch("a/b/project");
  std::ofstream(at("a/b/project/file")) << "x";
  std::ofstream(at("a/b/beside")) << "x";
  fs::rename(at("a/b/beside"), at("a/b/elsewhere"));
  fs::remove(at("a/b/elsewhere"));
  fs::remove(at("a/b/project/file"));
  run_for(loop_, std::chrono::milliseconds{20});
  EXPECT_EQ(stirs_, 0);
  fs::rename(at("a/b/project"), at("a/b/aside"));
  EXPECT_TRUE(notices());
  EXPECT_EQ(stirs_, 1);
}

TEST_F(FolderWatchTest, ALoopOfLinksCountsAsMissing) {
  fs::create_directory_symlink("loop", at("loop"));
  FolderWatch looping(loop_, at("loop"), [] {});
  EXPECT_EQ(looping.look(), "");
}

TEST_F(FolderWatchTest, AFileCountsAsMissing) {
  std::ofstream(at("file")) << "x";
  EXPECT_EQ(DirectoryView().look(at("file")), "");
  EXPECT_EQ(DirectoryView().look(at("missing")), "");
}

}  // namespace
}  // namespace hpp::watchd
