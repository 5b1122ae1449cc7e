#include "watchd/inotify/source.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "common/os/directory_id.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::watchd::inotify {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

class InotifySource : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return fs::path(directory_.path()) / name; }

  void write(const std::string& name, const std::string& content = "x") const {
    std::ofstream(at(name)) << content;
  }

  void watch(Filter filter = {}, const std::string& since = "") {
    start(std::move(filter), since);
    reports_.clear();
  }

  void start(Filter filter, const std::string& since = "") {
    source_.emplace(
        loop_, manager_, "inotify", directory_.path(),
        Follower::Settings{.filter = std::move(filter), .ignored = {}},
        [this](const Report& report) { reports_.push_back(report); },
        [this](Source::QueueUse use) { note(use); });
    source_->take(Watch{.since = since});
    EXPECT_TRUE(run_until(loop_, [this] { return has<Watching>(); }));
  }

  void note(Source::QueueUse use) {
    uses_.push_back(use);
    if (use == Source::QueueUse::Reading) was_full_ = was_full_ || is_full();
  }

  // Whether there are events in the queue.
  bool is_full() const {
    pollfd polled{.fd = queue_, .events = POLLIN, .revents = 0};
    return queue_ >= 0 && ::poll(&polled, 1, 0) == 1;
  }

  template <class Wanted>
  bool has() const {
    return std::any_of(reports_.begin(), reports_.end(),
                       [](const Report& r) { return std::holds_alternative<Wanted>(r); });
  }

  // The files that are reported to a Sync. Those that are gone have a minus sign.
  Names synced() {
    source_->take(Sync{});
    EXPECT_TRUE(run_until(loop_, [this] { return has<Synced>(); }));
    Names names;
    for (const Report& report : std::exchange(reports_, {})) {
      const auto* const changed = std::get_if<Changed>(&report);
      if (changed == nullptr) continue;
      EXPECT_EQ(changed->lost_track, "");
      for (const ChangedFile& file : changed->files) {
        names.push_back((file.exists ? "" : "-") + file.name);
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TemporaryDirectory directory_;
  Loop loop_;
  ServiceManager manager_{loop_};
  std::vector<Report> reports_;
  std::vector<Source::QueueUse> uses_;
  int queue_ = -1;         // inotify's descriptor, once it is known
  bool was_full_ = false;  // a reading was announced while there were events in the queue
  std::optional<Source> source_;
};

TEST_F(InotifySource, ReportsEveryKindOfSave) {
  for (const char* name : {"written", "mode", "time", "gone", "old"}) write(name);
  std::ofstream open(at("open"));
  watch();
  write("written", "y");
  open << "y" << std::flush;
  ::chmod(at("mode").c_str(), 0600);
  fs::last_write_time(at("time"), fs::file_time_type::clock::now() - std::chrono::hours(1000));
  fs::remove(at("gone"));
  fs::rename(at("old"), at("new"));
  fs::create_hard_link(at("written"), at("hard link"));
  fs::create_symlink("missing", at("link"));
  write("bytes \xff\n");
  EXPECT_EQ(synced(), (Names{"-gone", "-old", "bytes \xff\n", "hard link", "link", "mode", "new",
                             "open", "time", "written"}));
  EXPECT_EQ(synced(), Names{});
}

TEST_F(InotifySource, ReportsWithoutASync) {
  watch();
  write("a");
  EXPECT_TRUE(run_until(loop_, [this] { return has<Changed>(); }));
}

TEST_F(InotifySource, ReportsFilesThatAreWrittenWithoutAPause) {
  watch();
  EXPECT_TRUE(run_until(loop_, [this] {
    write("a");
    return has<Changed>();
  }));
}

TEST_F(InotifySource, ReportsTheFilesOfNewDirectories) {
  watch();
  fs::create_directories(at("a/b/c"));
  write("a/b/c/d");
  EXPECT_EQ(synced(), Names{"a/b/c/d"});
  write("a/b/c/e");
  EXPECT_EQ(synced(), Names{"a/b/c/e"});
}

TEST_F(InotifySource, FollowsDirectoriesThatMove) {
  const TemporaryDirectory outside;
  fs::create_directories(at("a/b"));
  write("a/b/c");
  watch();
  fs::rename(at("a"), at("x"));
  EXPECT_EQ(synced(), (Names{"-a/b/c", "x/b/c"}));
  write("x/b/c");
  EXPECT_EQ(synced(), Names{"x/b/c"});
  fs::rename(at("x"), outside / "x");
  EXPECT_EQ(synced(), Names{"-x/b/c"});
  std::ofstream(outside / "x/b/c") << "y";
  EXPECT_EQ(synced(), Names{});
  fs::rename(outside / "x", at("a"));
  EXPECT_EQ(synced(), Names{"a/b/c"});
}

TEST_F(InotifySource, WatchesADirectoryThatIsMadeAgain) {
  fs::create_directory(at("a"));
  write("a/b");
  watch();
  for (int i = 0; i < 3; ++i) {
    fs::remove_all(at("a"));
    fs::create_directory(at("a"));
    write("a/b");
    EXPECT_EQ(synced(), Names{"a/b"});
    write("a/b", "z");
    EXPECT_EQ(synced(), Names{"a/b"});
  }
}

TEST_F(InotifySource, LeavesOutFifosAndSockets) {
  ::mkfifo(at("old").c_str(), 0600);
  watch();
  ::mkfifo(at("new").c_str(), 0600);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, at("socket").c_str());
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(synced(), Names{});
  for (const char* name : {"old", "new", "socket"}) fs::remove(at(name));
  EXPECT_EQ(synced(), Names{});
}

TEST_F(InotifySource, LeavesOutWhatDoesNotCount) {
  fs::create_directory(at(".git"));
  watch({.patterns = {"**/*.py"}});
  write("a.txt");
  write(".git/b.py");
  write("c.py");
  EXPECT_EQ(synced(), Names{"c.py"});
}

// See common/bus/idle.h.
TEST_F(InotifySource, AnnouncesEachUseOfItsQueueAndSaysWhenItIsIdle) {
  watch();
  using Use = Source::QueueUse;
  ASSERT_FALSE(uses_.empty());
  EXPECT_EQ(uses_.front(), Use::OpeningOrClosing);
  const auto queue = source_->idle_queue();
  ASSERT_TRUE(queue);
  EXPECT_EQ(queue->directory, directory_.path());
  EXPECT_EQ(queue->id, directory_id(directory_.path()));
  queue_ = queue->fd;
  EXPECT_FALSE(is_full());
  uses_.clear();
  write("a");
  EXPECT_TRUE(is_full()) << "as soon as the write has returned";
  ASSERT_TRUE(run_until(loop_, [this] { return !uses_.empty(); }));
  EXPECT_EQ(uses_.front(), Use::Reading);
  EXPECT_TRUE(was_full_) << "announced too late";
  EXPECT_FALSE(source_->idle_queue()) << "the change is not reported yet";
  ASSERT_TRUE(run_until(loop_, [this] { return has<Changed>(); }));
  EXPECT_TRUE(source_->idle_queue());
  uses_.clear();
  source_->take(Unwatch{});
  EXPECT_EQ(uses_, std::vector{Use::OpeningOrClosing});
  EXPECT_FALSE(source_->idle_queue());
}

TEST_F(InotifySource, DigestsContents) {
  write("a");
  start({.ignore_unchanged = true});
  const auto began = std::find_if(reports_.begin(), reports_.end(), [](const Report& report) {
    return std::holds_alternative<Began>(report);
  });
  ASSERT_NE(began, reports_.end());
  const auto digest = std::get<Began>(*began).files.at(0).digest;
  EXPECT_TRUE(digest);
  reports_.clear();
  const auto digest_after = [&](const char* content) {
    write("a", content);
    source_->take(Sync{});
    EXPECT_TRUE(run_until(loop_, [this] { return has<Synced>(); }));
    return std::get<Changed>(std::exchange(reports_, {}).front()).files.at(0).digest;
  };
  EXPECT_EQ(digest_after("x"), digest);
  EXPECT_NE(digest_after("y"), digest);
}

TEST_F(InotifySource, ReadsADirectoryThatBecomesReadable) {
  if (::geteuid() == 0) GTEST_SKIP() << "root can read every directory";
  fs::create_directory(at("a"));
  write("a/b");
  fs::permissions(at("a"), fs::perms::none);
  watch();
  fs::permissions(at("a"), fs::perms::owner_all);
  EXPECT_EQ(synced(), Names{"a/b"});
}

}  // namespace
}  // namespace hpp::watchd::inotify
