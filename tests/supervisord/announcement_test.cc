#include "supervisord/announcement.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/os/fd_message.h"
#include "common/os/unix_socket.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::supervisord {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

class AnnouncementTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0); }

  Announcement made(const std::string& when) {
    return Announcement(loop_, manager_, parse_ready_when(when), directory_.path(),
                        bus::Topic::Backend,
                        {.processes = [this] { return tree_; },
                         .on_announced = [this] { ++announced_; },
                         .on_sight = [this](const Sight& sight) { sight_ = sight; },
                         .on_late = [](const Sight&) {}});
  }

  static std::string path_from(Announcement& announcement) {
    Environment environment;
    announcement.complete(environment);
    return environment.empty() ? "" : environment.front().second;
  }

  static void send(const std::string& path, const std::string& text) {
    const UniqueFd fd = connect_unix_socket(path, SOCK_DGRAM);
    EXPECT_EQ(send_message(fd.get(), text, {}), 0) << path;
  }

  // Handles all messages that have arrived.
  void handle() {
    has_turned_ = false;
    Timer later(loop_, [this] { has_turned_ = true; });
    later.start(Milliseconds{1});
    EXPECT_TRUE(run_until(loop_, [this] { return has_turned_; }));
  }

  TemporaryDirectory directory_;
  Loop loop_;
  ServiceManager manager_{loop_};
  std::vector<pid_t> tree_{::getpid()};  // this process plays the backend
  Sight sight_;
  int announced_ = 0;
  bool has_turned_ = false;
};

TEST_F(AnnouncementTest, IsAMessageFromTheTree) {
  Announcement announcement = made("notify");
  const std::string path = path_from(announcement);
  EXPECT_EQ(path, directory_ / "ready.sock");
  announcement.start();
  send(path, "STATUS=Loading 4 %");
  send(path, "STOPPING=1\nERRNO=2");
  EXPECT_TRUE(run_until(loop_, [this] { return !sight_.detail.empty(); }));
  EXPECT_EQ(sight_.is, Sight::Is::NoMessage);
  EXPECT_EQ(sight_.detail, "Loading 4 %");
  EXPECT_EQ(announced_, 0);
  send(path, "READY=1\nSTATUS=Done");
  EXPECT_TRUE(run_until(loop_, [this] { return announced_ == 1; }));
  send(path, "READY=1");
  handle();
  EXPECT_EQ(announced_, 1);
}

TEST_F(AnnouncementTest, IsNoMessageOfAnotherProcess) {
  Announcement announcement = made("notify");
  announcement.start();
  tree_ = {::getppid()};
  testing::internal::CaptureStderr();
  send(path_from(announcement), "READY=1");
  handle();
  EXPECT_EQ(announced_, 0);
  testing::internal::GetCapturedStderr();
}

TEST_F(AnnouncementTest, MayComeFromAProcessThatHasEnded) {
  Announcement announcement = made("notify");
  announcement.start();
  tree_.clear();
  const std::string path = path_from(announcement);
  const pid_t child = ::fork();
  if (child == 0) {
    send(path, "READY=1");
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(run_until(loop_, [this] { return announced_ == 1; }));
}

TEST_F(AnnouncementTest, IsNoMessageOfAnEarlierGeneration) {
  Announcement announcement = made("notify");
  announcement.start();
  send(path_from(announcement), "READY=1");
  announcement.stop();
  announcement.forget_messages();
  announcement.start();
  handle();
  EXPECT_EQ(announced_, 0);
}

TEST_F(AnnouncementTest, MayBeQueuedBeforeTheWaitBegins) {
  Announcement announcement = made("notify");
  announcement.forget_messages();
  send(path_from(announcement), "READY=1");
  announcement.start();
  EXPECT_EQ(announced_, 1);
}

TEST_F(AnnouncementTest, HasANewSocketIfItsFileWasDeleted) {
  Announcement announcement = made("notify");
  announcement.start();
  ASSERT_EQ(::unlink(path_from(announcement).c_str()), 0);
  send(path_from(announcement), "READY=1");
  EXPECT_TRUE(run_until(loop_, [this] { return announced_ == 1; }));
}

TEST_F(AnnouncementTest, IsALineOfEitherStream) {
  for (const auto stream : {bus::OutputStream::Stdout, bus::OutputStream::Stderr}) {
    Announcement announcement = made("line:on port [0-9]+");
    EXPECT_EQ(path_from(announcement), "") << "no NOTIFY_SOCKET";
    announced_ = 0;
    announcement.on_output(stream, "on port 1\n");
    announcement.start();
    announcement.on_output(stream, "starting\non port");
    EXPECT_EQ(announced_, 0);
    announcement.on_output(stream, " 8001\n");
    announcement.on_output(stream, "on port 8001\n");
    EXPECT_EQ(announced_, 1);
  }
}

TEST_F(AnnouncementTest, IsNotAwaitedWithoutTheOption) {
  Announcement announcement = made("http");
  EXPECT_EQ(path_from(announcement), "");
  announcement.on_output(bus::OutputStream::Stdout, "x\n");
  EXPECT_EQ(announced_, 0);
}

}  // namespace
}  // namespace hpp::supervisord
