#include "watchd/poll/source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::watchd::poll {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class PollSourceTest : public testing::Test {
 protected:
  std::string at(const std::string& name) const { return project_ + '/' + name; }

  void write(const std::string& name, const std::string& text = "x") const {
    fs::create_directories(fs::path(at(name)).parent_path());
    std::ofstream(at(name)) << text;
  }

  void start(Source::Settings settings = {}) {
    settings.directory = project_;
    source_.emplace(loop_, settings, [this](const Report& report) { reports_.push_back(report); });
    source_->take(Watch{});
    EXPECT_TRUE(comes<Watching>());
  }

  // Waits for a report of this type.
  template <class R>
  bool comes() {
    return run_until(loop_, [this] { return has<R>(); });
  }

  template <class R>
  bool has() const {
    return std::any_of(reports_.begin(), reports_.end(),
                       [](const Report& report) { return std::holds_alternative<R>(report); });
  }

  // The names that a Sync reports.
  Names sync() {
    reports_.clear();
    source_->take(Sync{});
    EXPECT_TRUE(comes<Synced>());
    Names names;
    for (const Report& report : reports_) {
      if (const auto* changed = std::get_if<Changed>(&report)) {
        for (const ChangedFile& file : changed->files) names.push_back(file.name);
      }
    }
    return names;
  }

  Loop loop_;
  const TemporaryDirectory directory_;
  const std::string project_ = directory_ / "project";
  std::vector<Report> reports_;
  std::optional<Source> source_;

  void SetUp() override { write("a/b.py"); }
};

TEST_F(PollSourceTest, ASyncReportsEachKindOfSave) {
  start();
  EXPECT_EQ(sync(), Names{});
  write("a/b.py", "longer");
  EXPECT_EQ(sync(), Names{"a/b.py"});
  write("new/folder/c");
  EXPECT_EQ(sync(), Names{"new/folder/c"});
  fs::rename(at("new"), at("old"));
  EXPECT_EQ(sync(), (Names{"new/folder/c", "old/folder/c"}));
  fs::remove_all(at("old"));
  EXPECT_EQ(sync(), Names{"old/folder/c"});
  ::chmod(at("a/b.py").c_str(), 0700);
  EXPECT_EQ(sync(), Names{"a/b.py"});
  fs::create_symlink("a/b.py", at("link"));
  EXPECT_EQ(sync(), Names{"link"});
}

TEST_F(PollSourceTest, ASaveInPlaceWithTheSameSizeAndTimeIsSeen) {
  start();
  timespec times[2] = {{.tv_sec = 1'000'000'000, .tv_nsec = 0}, {.tv_sec = 1'000'000'000}};
  for (const char* text : {"1", "2", "3", "4"}) {
    write("a/b.py", text);
    ::utimensat(AT_FDCWD, at("a/b.py").c_str(), times, 0);
    EXPECT_EQ(sync(), Names{"a/b.py"}) << text;
  }
}

TEST_F(PollSourceTest, WithoutASyncAChangeIsReportedAfterTheInterval) {
  start({.interval = std::chrono::milliseconds{5}});
  reports_.clear();
  write("c");
  EXPECT_TRUE(comes<Changed>());
  EXPECT_EQ(std::get<Changed>(reports_.back()).files,
            (std::vector<ChangedFile>{{.name = "c", .is_new = true}}));
}

TEST_F(PollSourceTest, NamesMayHaveAnyBytes) {
  start();
  write("\xff/\x01 \n");
  EXPECT_EQ(sync(), Names{"\xff/\x01 \n"});
}

TEST_F(PollSourceTest, OtherKindsOfFilesDoNotCount) {
  start();
  ::mkfifo(at("fifo").c_str(), 0600);
  fs::create_directory(at("empty"));
  fs::create_directory_symlink("/proc", at("proc"));
  EXPECT_EQ(sync(), Names{"proc"}) << "the link itself";
}

TEST_F(PollSourceTest, ExcludedAndIgnoredFoldersAreNotRead) {
  start({.filter = {.excludes = {"tmp/**"}}, .ignored = {"build"}});
  for (const char* name : {"tmp/a", "build/a", ".git/HEAD", "a/__pycache__/b.pyc"}) write(name);
  EXPECT_EQ(sync(), Names{});
  write("web/build/a");
  EXPECT_EQ(sync(), Names{"web/build/a"});
}

TEST_F(PollSourceTest, DigestsTellContentsApart) {
  start({.filter = {.ignore_unchanged = true}});
  const auto digest = [this] { return std::get<Changed>(reports_.front()).files.at(0).digest; };
  write("a/b.py", "1");
  sync();
  const auto one = digest();
  EXPECT_TRUE(one);
  write("a/b.py", "2");
  sync();
  EXPECT_NE(digest(), one);
  write("a/b.py", "1");
  sync();
  EXPECT_EQ(digest(), one);
}

TEST_F(PollSourceTest, AMissingDirectoryEndsTheWatch) {
  start();
  reports_.clear();
  fs::remove_all(project_);
  source_->take(Sync{});
  EXPECT_TRUE(comes<Lost>());
  EXPECT_EQ(std::get<Lost>(reports_.back()).why,
            "cannot read " + project_ + ": No such file or directory");
}

TEST_F(PollSourceTest, ManyFilesAreScannedInSlices) {
  for (int i = 0; i < 30; ++i) {
    for (int j = 0; j < 100; ++j) write(std::to_string(i) + '/' + std::to_string(j));
  }
  start();
  for (int i = 0; i < 30; ++i) write(std::to_string(i) + "/50", "longer");
  EXPECT_EQ(sync().size(), 30U);
}

}  // namespace
}  // namespace hpp::watchd::poll
