// This process plays hpp-launch: it is the subreaper of its descendants.
#include "common/os/launch_tree.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "common/os/process_info.h"
#include "common/os/process_tree.h"
#include "tests/support/process_test.h"
#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

class LaunchTreeTest : public ProcessTest {
 protected:
  // Starts a child whose environment has the tag of `helper`.
  pid_t start(const std::vector<std::string>& command, const std::string& helper) {
    return ProcessTest::start(command, {{kHelperTag, helper}});
  }

  // Waits until a grandchild executes the command `name` and has become a child of this process.
  pid_t adopted(const std::string& name) {
    pid_t found = 0;
    EXPECT_TRUE(run_until(loop_, [&] {
      const pid_t parent = children_.back()->pid();
      const auto is_parent = [&](pid_t pid) { return pid == parent; };
      for (const pid_t pid : living_descendants(::getpid(), is_parent)) {
        if (describe_process(pid).ends_with("(" + name + ")")) found = pid;
      }
      return found != 0 && !children_.back()->is_running();
    })) << name;
    return found;
  }
};

TEST_F(LaunchTreeTest, AProcessWithoutEnvironmentAndSessionIsAnOrphan) {
  const LaunchTree tree = LaunchTree::of_this_process();
  start({"env", "-i", "setsid", "-f", "sleep", "1001"}, "hpp-supervisord");
  const pid_t orphan = adopted("sleep 1001");
  EXPECT_EQ(tree.orphans({}), std::vector{orphan});
}

TEST_F(LaunchTreeTest, TheDescendantsOfAnOrphanAreOrphans) {
  const LaunchTree tree = LaunchTree::of_this_process();
  start({"sh", "-c", "sh -c 'sleep 1001; :' & exit 0"}, "hpp-supervisord");
  EXPECT_TRUE(run_until(
      loop_, [&] { return !children_.back()->is_running() && tree.orphans({}).size() == 2; }));
}

TEST_F(LaunchTreeTest, HelpersAndTheirChildrenAreNoOrphans) {
  const LaunchTree tree = LaunchTree::of_this_process();
  const pid_t own = start({"sh", "-c", "sleep 1000; :"}, "hpp-supervisord");
  start({"sleep", "1000"}, "hpp-proxyd");
  start({"sh", "-c", "env -u HPP_HELPER sleep 1000; :"},
        "hpp-watchd");  // a child of watchd, such as git
  EXPECT_TRUE(run_until(loop_, [] { return living_descendants(::getpid()).size() == 5; }));
  EXPECT_EQ(tree.orphans({own}), std::vector<pid_t>{});
}

// Watchman daemonizes and has none of hpp's variables.
TEST_F(LaunchTreeTest, WatchmanIsNoOrphan) {
  const TemporaryDirectory directory;
  const std::string watchman = directory / "watchman";
  std::filesystem::copy_file(std::filesystem::canonical("/bin/sleep"), watchman);
  const LaunchTree tree = LaunchTree::of_this_process();
  start({"env", "-i", "setsid", "-f", watchman, "1002"}, "hpp-watchd");
  adopted(watchman + " 1002");
  EXPECT_EQ(tree.orphans({}), std::vector<pid_t>{});
  std::filesystem::remove(watchman);
  EXPECT_EQ(tree.orphans({}), std::vector<pid_t>{}) << "as after an upgrade";
}

TEST_F(LaunchTreeTest, AForkOfHppLaunchIsNoOrphan) {
  const LaunchTree tree = LaunchTree::of_this_process();
  start_copy();
  EXPECT_EQ(tree.orphans({}), std::vector<pid_t>{});
}

// Between fork and the end of exec, a helper has no tag.
TEST_F(LaunchTreeTest, AHelperThatIsBeingStartedIsNoOrphan) {
  const LaunchTree tree = LaunchTree::of_this_process();
  std::atomic<bool> is_over = false;
  std::thread starts([&] {
    for (int i = 0; i < 200; ++i) start({"sleep", "1000"}, "hpp-proxyd");
    is_over = true;
  });
  std::vector<pid_t> orphans;
  while (!is_over && orphans.empty()) orphans = tree.orphans({});
  starts.join();
  EXPECT_TRUE(orphans.empty());
}

// A helper, whose environment names this process or another one as hpp-launch.
class HelperTest : public LaunchTreeTest {
 protected:
  ~HelperTest() override { ::unsetenv("HPP_LAUNCH_PID"); }

  static void tell(const std::string& text) { ::setenv("HPP_LAUNCH_PID", text.c_str(), 1); }
};

TEST_F(HelperTest, AHelperFindsTheOrphansOfHppLaunch) {
  const LaunchTree tree = LaunchTree::of_this_process();
  const auto [name, value] = tree.environment();
  EXPECT_EQ(name, "HPP_LAUNCH_PID");
  EXPECT_EQ(value, std::to_string(::getpid()));
  start({"env", "-i", "setsid", "-f", "sleep", "1003"}, "hpp-supervisord");
  const pid_t orphan = adopted("sleep 1003");
  const pid_t helper = ::fork();
  if (helper == 0) {
    tell(value);
    const auto told = LaunchTree::take_from_environment();
    const bool is_right = told && ::getenv("HPP_LAUNCH_PID") == nullptr &&
                          told->orphans({::getpid()}) == std::vector{orphan};
    ::_exit(is_right ? 0 : 1);
  }
  int status = 1;
  ::waitpid(helper, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(HelperTest, IsNothingWithoutAValidPidInTheEnvironment) {
  EXPECT_FALSE(LaunchTree::take_from_environment());
  for (const char* const text : {"", "x", "0", "-1"}) {
    tell(text);
    EXPECT_FALSE(LaunchTree::take_from_environment()) << text;
  }
}

// If hpp-launch has died, its pid may belong to an unrelated process.
TEST_F(HelperTest, AProcessThatIsNoChildOfHppLaunchFindsNoOrphans) {
  const pid_t unrelated = start({"sh", "-c", "sleep 1000; :"}, "");
  EXPECT_TRUE(run_until(loop_, [&] { return living_descendants(unrelated).size() == 1; }));
  const pid_t child = ::fork();
  if (child == 0) {
    tell(std::to_string(unrelated));
    const auto told = LaunchTree::take_from_environment();
    ::_exit(told && told->root() == unrelated && told->orphans({}).empty() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace hpp
