#include "ctl/lock_holder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "common/os/file.h"
#include "tests/support/temporary_directory.h"

namespace hpp::ctl {
namespace {

using std::chrono::steady_clock;

// Starts a child process that holds a lock and ignores SIGTERM.
class LockHolderTest : public testing::Test {
 protected:
  LockHolderTest() {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    child_ = ::fork();
    if (child_ == 0) {
      std::signal(SIGTERM, SIG_IGN);
      const auto lock = FileLock::take(AT_FDCWD, path_);
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }

  ~LockHolderTest() override {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "lock";
  pid_t child_ = 0;
};

TEST_F(LockHolderTest, WaitEndReturnsAtTheDeadline) {
  const auto holder = LockHolder::find(path_);
  ASSERT_TRUE(holder.has_value());
  EXPECT_EQ(holder->pid(), child_);
  EXPECT_TRUE(holder->signal(SIGTERM));
  EXPECT_FALSE(holder->wait_end(steady_clock::now() + std::chrono::milliseconds(20)));
  EXPECT_TRUE(holder->signal(SIGKILL));
  EXPECT_TRUE(holder->wait_end(std::nullopt));
  EXPECT_FALSE(LockHolder::find(path_).has_value());
}

}  // namespace
}  // namespace hpp::ctl
