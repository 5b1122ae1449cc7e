#include "common/os/process_handle.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "tests/support/process_test.h"

namespace hpp {
namespace {

class ProcessHandleTest : public ProcessTest {
 protected:
  pid_t start_sleep() { return start({"sleep", "1000"}, {}); }

  static void await_zombie(pid_t pid) {
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  }
};

TEST_F(ProcessHandleTest, RefersToTheSameProcessUntilItIsReaped) {
  const pid_t pid = start_sleep();
  const ProcessHandle handle = open_process(pid);
  EXPECT_EQ(handle.signal(0), 0);
  EXPECT_FALSE(handle.has_ended());
  EXPECT_EQ(handle.signal(SIGKILL), 0);
  await_zombie(pid);
  EXPECT_TRUE(handle.has_ended());
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(handle.signal(SIGKILL), ESRCH);
}

TEST_F(ProcessHandleTest, OpensProcessesThatAreFoundTwice) {
  const pid_t one = start_sleep();
  const pid_t other = start_sleep();
  int calls = 0;
  const auto opened = open_processes([&] {
    return ++calls == 1 ? std::vector{one, other} : std::vector{other};
  });
  ASSERT_TRUE(opened);
  ASSERT_EQ(opened->size(), 1U) << "the pid of the first one may have been reused";
  EXPECT_EQ(opened->front().pid, other);
}

TEST_F(ProcessHandleTest, DistinguishesNothingFoundFromAllEnded) {
  EXPECT_FALSE(open_processes([] { return std::vector<pid_t>{}; }));
  int calls = 0;
  const pid_t pid = start_sleep();
  const auto opened =
      open_processes([&] { return ++calls == 1 ? std::vector{pid} : std::vector<pid_t>{}; });
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->empty());
  EXPECT_FALSE(signal_processes([] { return std::vector<pid_t>{}; }, SIGKILL));
}

TEST_F(ProcessHandleTest, AGroupExistsWhileItHasAMember) {
  const pid_t leader = start({"sh", "-c", "sleep 1000 & wait"}, {});
  const ProcessGroup group(open_process(leader));
  EXPECT_TRUE(run_until(loop_, [&] { return living_descendants(leader).size() == 1; }));
  const pid_t member = living_descendants(leader).front();
  ::kill(leader, SIGKILL);
  EXPECT_TRUE(run_until(loop_, [&] { return !children_.front()->is_running(); }));
  EXPECT_FALSE(group.is_gone());
  group.signal(SIGKILL);
  await_zombie(member);
  EXPECT_FALSE(group.is_gone()) << "a zombie is a member, too";
  ASSERT_EQ(::waitpid(member, nullptr, 0), member);
  EXPECT_TRUE(group.is_gone());
}

}  // namespace
}  // namespace hpp
