// watchd's side and proxyd's side of the way without a ticket (common/bus/idle.h), together.
#include "watchd/queue_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "common/bus/idle.h"
#include "common/os/directory_id.h"
#include "proxyd/change_queues.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::watchd {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kEpoch = 5;

class QueueServerTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(project_);
    open_queue();
    server_.emplace(loop_, run_directory_.path(), kEpoch);
    proxyd_.emplace(loop_, run_directory_.path());
    proxyd_->connect();
  }

  void open_queue() {
    queue_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    ASSERT_GE(::inotify_add_watch(queue_.get(), project_.c_str(), IN_CREATE | IN_MODIFY), 0);
  }

  void report_idle(std::uint64_t sequence) {
    server_->report_idle(
        sequence, {{.fd = queue_.get(), .directory = project_, .id = directory_id(project_)}});
  }

  void save() const { std::ofstream(project_ + "/file") << "x"; }

  void read_queue() const {
    char events[4096];
    EXPECT_GT(::read(queue_.get(), events, sizeof events), 0);
  }

  // The sequence that proxyd sees; 0: none.
  std::uint64_t seen() const {
    const auto idle = proxyd_->look();
    EXPECT_EQ(idle.value_or(bus::IdlePoint{.epoch = kEpoch}).epoch, kEpoch);
    return idle ? idle->sequence : 0;
  }

  bool sees(std::uint64_t sequence) {
    return run_until(loop_, [&] { return seen() == sequence; });
  }

  Loop loop_;
  TemporaryDirectory run_directory_;
  TemporaryDirectory parent_;
  std::string project_ = parent_ / "project";
  UniqueFd queue_;
  std::optional<QueueServer> server_;
  std::optional<proxyd::ChangeQueues> proxyd_;
};

TEST_F(QueueServerTest, ProxydSeesThatWatchdIsIdleUntilAFileChanges) {
  EXPECT_EQ(seen(), 0U);
  report_idle(7);
  EXPECT_TRUE(sees(7));
  save();
  EXPECT_EQ(seen(), 0U) << "there is an event in the queue";
  server_->begin_work();
  read_queue();
  EXPECT_EQ(seen(), 0U) << "watchd works";
  report_idle(8);
  EXPECT_EQ(seen(), 8U) << "at once";
}

TEST_F(QueueServerTest, AnotherQueueTakesThePlaceOfTheFirst) {
  report_idle(7);
  ASSERT_TRUE(sees(7));
  server_->withdraw();
  EXPECT_EQ(seen(), 0U);
  open_queue();
  report_idle(7);
  EXPECT_EQ(seen(), 0U) << "before proxyd has the new queue";
  EXPECT_TRUE(sees(7));
  save();
  EXPECT_EQ(seen(), 0U);
}

TEST_F(QueueServerTest, ProxydTrustsNoDeadWatchd) {
  report_idle(7);
  ASSERT_TRUE(sees(7));
  server_.reset();
  EXPECT_EQ(seen(), 0U) << "without a turn of proxyd's loop";
  proxyd_->connect();
  server_.emplace(loop_, run_directory_.path(), kEpoch);
  report_idle(9);
  EXPECT_TRUE(run_until(loop_, [this] {
    proxyd_->connect();
    return seen() == 9;
  }));
}

TEST_F(QueueServerTest, ProxydNoticesThatTheDirectoryWasReplaced) {
  report_idle(7);
  ASSERT_TRUE(sees(7));
  fs::rename(project_, parent_ / "other");
  EXPECT_EQ(seen(), 0U);
  fs::create_directory(project_);
  EXPECT_EQ(seen(), 0U);
  fs::remove(project_);
  fs::rename(parent_ / "other", project_);
  EXPECT_EQ(seen(), 7U);
}

TEST_F(QueueServerTest, ANewProxydGetsTheQueues) {
  report_idle(7);
  ASSERT_TRUE(sees(7));
  proxyd_.emplace(loop_, run_directory_.path());
  EXPECT_EQ(seen(), 0U);
  proxyd_->connect();
  EXPECT_TRUE(sees(7));
}

TEST_F(QueueServerTest, TooManyQueuesAreNotHandedOver) {
  const QueueServer::Queue queue{
      .fd = queue_.get(), .directory = project_, .id = directory_id(project_)};
  server_->report_idle(7, std::vector<QueueServer::Queue>(bus::kQueuesMax + 1, queue));
  run_for(loop_, std::chrono::milliseconds{20});
  EXPECT_EQ(seen(), 0U);
  report_idle(8);
  EXPECT_TRUE(sees(8));
}

TEST_F(QueueServerTest, CreatesADeletedSocketAgain) {
  report_idle(7);
  ASSERT_TRUE(sees(7));
  fs::remove(run_directory_ / "queue.sock");
  server_->mend();
  EXPECT_EQ(seen(), 7U) << "the connection is kept";
  proxyd_.emplace(loop_, run_directory_.path());
  proxyd_->connect();
  EXPECT_TRUE(sees(7)) << "the next proxyd finds the new socket";
  const auto before = fs::last_write_time(run_directory_ / "queue.sock");
  server_->mend();
  EXPECT_EQ(fs::last_write_time(run_directory_ / "queue.sock"), before) << "nothing to repair";
}

TEST_F(QueueServerTest, ProxydTakesTicketsIfWatchdDoesNotListen) {
  server_.reset();
  proxyd_.emplace(loop_, run_directory_.path());
  proxyd_->connect();
  EXPECT_EQ(seen(), 0U);
  fs::remove(run_directory_ / "queue.sock");
  proxyd_->connect();
  EXPECT_EQ(seen(), 0U);
}

}  // namespace
}  // namespace hpp::watchd
