// Real processes. supervisord/tree_killer_test kills whole trees of them.
#include "common/os/process_tree.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "common/os/backend_tag.h"
#include "common/os/file.h"
#include "common/os/pipe.h"
#include "common/os/process_info.h"
#include "tests/support/process_test.h"

namespace hpp {
namespace {

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

class ProcessTreeTest : public ProcessTest {
 protected:
  pid_t start(const std::vector<std::string>& command, const std::string& tag = "none/0") {
    return ProcessTest::start(command, {{kBackendTag, tag}});
  }

  // Waits until the process is a zombie, without reaping it.
  static void await_end(pid_t pid) {
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  }
};

TEST_F(ProcessTreeTest, WithoutChildrenNoChildIsLeft) {
  EXPECT_FALSE(children_left({}));
}

TEST_F(ProcessTreeTest, AChildIsLeftWhileItLives) {
  const pid_t pid = start({"sleep", "1000"});
  EXPECT_TRUE(children_left({}));
  ::kill(pid, SIGKILL);
  await_end(pid);
  EXPECT_FALSE(children_left({})) << "it is reaped";
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);
}

TEST_F(ProcessTreeTest, AnOwnedChildIsNotReaped) {
  const pid_t owned = start({"true"});
  await_end(owned);
  EXPECT_TRUE(children_left({owned}));
  EXPECT_EQ(::waitpid(owned, nullptr, WNOHANG), owned);
  EXPECT_FALSE(children_left({owned}));
}

TEST_F(ProcessTreeTest, FindsEveryDescendantButNotZombiesAndSparedOnes) {
  const pid_t shell = start({"sh", "-c", "(setsid sleep 1000 &); sleep 1000 & sleep 1000; :"});
  EXPECT_TRUE(run_until(loop_, [] { return living_descendants(::getpid()).size() == 4; }));
  EXPECT_TRUE(contains(living_descendants(::getpid()), shell));
  const auto spare_shell = [shell](pid_t pid) { return pid == shell; };
  EXPECT_EQ(living_descendants(::getpid(), spare_shell).size(), 1U)
      << "the process in another session";
  ::kill(shell, SIGKILL);
  await_end(shell);
  EXPECT_FALSE(contains(living_descendants(::getpid()), shell)) << "a zombie";
  EXPECT_EQ(living_descendants(::getpid()).size(), 3U) << "adopted";
}

TEST_F(ProcessTreeTest, AllAreSparedOnlyIfEachChildIsAndNoneHasEnded) {
  const pid_t one = start({"sleep", "1000"});
  const pid_t other = start({"sleep", "1000"});
  const auto spare_both = [&](pid_t pid) { return pid == one || pid == other; };
  EXPECT_TRUE(are_all_spared(spare_both));
  EXPECT_FALSE(are_all_spared([&](pid_t pid) { return pid == one; }));
  ::kill(other, SIGKILL);
  await_end(other);
  EXPECT_FALSE(are_all_spared(spare_both)) << "its children may be children of this process now";
  EXPECT_TRUE(children_left({}));
  EXPECT_TRUE(are_all_spared(spare_both));
}

TEST_F(ProcessTreeTest, ReadsTheProgramOfAProcess) {
  const pid_t pid = start({"sleep", "1000", "0"});
  const std::vector<std::string> expected{"sleep", "1000", "0"};
  EXPECT_TRUE(run_until(loop_, [&] { return arguments_of(pid) == expected; }));
  EXPECT_EQ(program_name_of(pid), "sleep");
  EXPECT_EQ(parent_of(pid), ::getpid());
  EXPECT_TRUE(arguments_of(0).empty());
  EXPECT_EQ(program_name_of(0), "");
}

TEST_F(ProcessTreeTest, FindsTheDescendantsOfAnotherProcess) {
  const pid_t shell = start({"sh", "-c", "sleep 1000 & sleep 1000; :"});
  start({"sleep", "1000"});
  EXPECT_TRUE(run_until(loop_, [&] { return living_descendants(shell).size() == 2; }));
  EXPECT_EQ(living_descendants(::getpid()).size(), 4U);
}

TEST_F(ProcessTreeTest, HasBeenExecutedOnlyAfterExec) {
  EXPECT_FALSE(has_been_executed(start_copy(), ::getpid()));
  const pid_t program = start({"sleep", "1000"});
  EXPECT_TRUE(run_until(loop_, [&] { return has_been_executed(program, ::getpid()); }));
  ::kill(program, SIGKILL);
  await_end(program);
  EXPECT_FALSE(has_been_executed(program, ::getpid())) << "a zombie executes nothing";
}

// As for a user's service, whose parent is root's process 1.
TEST_F(ProcessTreeTest, HasBeenExecutedWorksBelowAHiddenParent) {
  if (::geteuid() != 0) GTEST_SKIP() << "nothing is hidden from a parent of the same user";
  constexpr uid_t kNobody = 65534;
  const pid_t observer = ::fork();
  if (observer == 0) {
    if (::setuid(kNobody) != 0) ::_exit(2);
    const pid_t copy = start_copy();
    Pipe executed = make_pipe();  // exec closes the child's end
    const pid_t sleeper = ::fork();
    if (sleeper == 0) ::execlp("sleep", "sleep", "1000", nullptr);
    executed.writer.reset();
    char byte = 0;
    if (::read(executed.reader.get(), &byte, 1) != 0) ::_exit(3);
    const bool is_right = has_been_executed(sleeper, ::getppid()) &&
                          !has_been_executed(copy, ::getppid()) && hides_its_program(::getppid());
    for (const pid_t pid : {copy, sleeper}) ::kill(pid, SIGKILL);
    ::_exit(is_right ? 0 : 1);
  }
  int status = 1;
  ::waitpid(observer, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(ProcessTreeTest, FindsTheControlGroup) {
  const pid_t child = start({"sleep", "1000"});
  EXPECT_TRUE(contains(processes_of_our_cgroup(), ::getpid()));
  EXPECT_TRUE(contains(processes_of_our_cgroup(), child));
  ::kill(child, SIGKILL);
  await_end(child);
  EXPECT_FALSE(contains(processes_of_our_cgroup(), child)) << "a zombie";
}

TEST_F(ProcessTreeTest, FindsAProcessWhoseFirstThreadHasEnded) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::thread([] { ::pause(); }).detach();
    ::syscall(SYS_exit, 0);  // ends only this thread
  }
  const auto looks_dead = [pid] {
    const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat").value_or("");
    return stat.find(") Z ") != std::string::npos;
  };
  EXPECT_TRUE(run_until(loop_, looks_dead));
  EXPECT_TRUE(contains(living_descendants(::getpid()), pid));
}

TEST_F(ProcessTreeTest, FindsTaggedProcessesInOtherSessions) {
  const pid_t tagged = start({"sleep", "1000"}, "/run/a/12");
  const pid_t other = start({"sleep", "1000"}, "/run/ab/12");
  const pid_t shell = start({"sh", "-c", "(setsid sleep 1000 &); exit 0"}, "/run/a/13");
  await_end(shell);
  EXPECT_TRUE(run_until(loop_, [] { return processes_tagged("/run/a/").size() == 2; }));
  EXPECT_TRUE(contains(processes_tagged("/run/a/"), tagged));
  EXPECT_FALSE(contains(processes_tagged("/run/a/"), other));
  EXPECT_FALSE(contains(processes_tagged("/run/a/"), shell)) << "a zombie";
}

TEST_F(ProcessTreeTest, DescribesAProcessByItsCommand) {
  // A process that has just called execve(2) has no command line for a moment.
  const pid_t pid = start({"sleep", "1000"});
  const std::string expected = "pid " + std::to_string(pid) + " (sleep 1000)";
  EXPECT_TRUE(run_until(loop_, [&] { return describe_process(pid) == expected; }))
      << describe_process(pid);
  const pid_t with_long_command = start({"sh", "-c", "sleep 1000; : " + std::string(200, 'x')});
  const auto is_cut = [&] { return describe_process(with_long_command).ends_with("…)"); };
  EXPECT_TRUE(run_until(loop_, is_cut)) << describe_process(with_long_command);
  EXPECT_LT(describe_process(with_long_command).size(), 110U);
}

}  // namespace
}  // namespace hpp
