#include "common/event/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <sstream>
#include <system_error>

#include "common/os/file.h"
#include "common/os/pipe.h"
#include "common/os/terminal.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

using Words = std::vector<std::string>;

class ChildTest : public testing::Test {
 protected:
  // Starts the process and waits for its end.
  ExitStatus run(const ChildRequest& request) {
    std::optional<ExitStatus> end;
    const Child child(loop_, request, [&](ExitStatus status) { end = status; });
    EXPECT_TRUE(child.is_running());
    EXPECT_TRUE(run_until(loop_, [&] { return end.has_value(); }));
    EXPECT_FALSE(child.is_running());
    return end.value_or(ExitStatus{});
  }

  // Runs shell commands, and returns their output.
  std::string output_of(const std::string& script, ChildRequest request = {}) {
    const std::string path = directory_ / "output";
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    request.command = {"sh", "-c", script};
    request.stdout_fd = file.get();
    EXPECT_EQ(run(request), (ExitStatus{.by_signal = false, .number = 0}));
    return read_file(path).value_or("");
  }

  Loop loop_;
  TemporaryDirectory directory_;
};

TEST_F(ChildTest, ReportsTheExitStatus) {
  EXPECT_EQ(run({.command = {"true"}}), (ExitStatus{.by_signal = false, .number = 0}));
  EXPECT_EQ(run({.command = {"sh", "-c", "exit 77"}}),
            (ExitStatus{.by_signal = false, .number = 77}));
  EXPECT_EQ(run({.command = {"sh", "-c", "kill -SEGV $$"}}),
            (ExitStatus{.by_signal = true, .number = SIGSEGV}));
}

TEST_F(ChildTest, HasItsOwnTerminal) {
  const Pty pty = make_pty(-1);
  ASSERT_EQ(::write(pty.master.get(), "typed\n", 6), 6);
  EXPECT_EQ(output_of("read -r word </dev/tty; echo $word",
                      {.group = ChildRequest::Group::OwnTerminal, .stdin_fd = pty.slave.get()}),
            "typed\n");
}

TEST_F(ChildTest, LeavesNoZombie) {
  std::optional<ExitStatus> end;
  const Child child(loop_, {.command = {"true"}}, [&](ExitStatus status) {
    end = status;
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1)
        << "the zombie must be reaped before on_exit is called";
    EXPECT_EQ(errno, ECHILD);
  });
  EXPECT_TRUE(run_until(loop_, [&] { return end.has_value(); }));
}

TEST_F(ChildTest, AFailedExecThrowsItsError) {
  const std::pair<Words, int> cases[] = {
      {{"/nowhere/at-all"}, ENOENT},
      {{"no-such-command-anywhere"}, ENOENT},
      {{directory_.path()}, EACCES},
  };
  for (const auto& [command, code] : cases) {
    try {
      const Child child(loop_, {.command = command}, [](ExitStatus) {});
      ADD_FAILURE() << command[0] << " was started";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), code);
      EXPECT_NE(std::string(error.what()).find(command[0]), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child that could not exec is left";
  EXPECT_THROW(
      Child(loop_, {.command = {"true"}, .directory = "/nowhere/at-all"}, [](ExitStatus) {}),
      std::system_error);
}

TEST_F(ChildTest, KillSendsASignal) {
  std::optional<ExitStatus> end;
  const Child child(loop_, {.command = {"sleep", "1000"}}, [&](ExitStatus s) { end = s; });
  child.kill(SIGTERM);
  EXPECT_TRUE(run_until(loop_, [&] { return end.has_value(); }));
  EXPECT_EQ(end, (ExitStatus{.by_signal = true, .number = SIGTERM}));
  child.kill(SIGKILL);  // has no effect
}

// If the parent has ignored SIGCHLD, the kernel reaps the child, and waitpid(2) fails.
TEST_F(ChildTest, ReportsTheEndOfAChildThatTheKernelHasReaped) {
  std::signal(SIGCHLD, SIG_IGN);
  // The child lives until its input ends: a process that is reaped before Child has opened its
  // pidfd cannot be watched.
  Pipe input = make_pipe();
  int ends = 0;
  const Child child(loop_, {.command = {"cat"}, .stdin_fd = input.reader.get()},
                    [&](ExitStatus) { ++ends; });
  input.writer.reset();
  EXPECT_TRUE(run_until(loop_, [&] { return ends == 1; }));
  EXPECT_FALSE(child.is_running());
  std::signal(SIGCHLD, SIG_DFL);
}

TEST_F(ChildTest, InheritsOnlyTheThreeStandardDescriptors) {
  const UniqueFd left_open(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC, as a library may
  const std::string path = "/proc/self/fd/" + std::to_string(left_open.get());
  EXPECT_EQ(output_of("test -e " + path + "; echo $?"), "1\n");
}

TEST_F(ChildTest, StartsInTheGivenDirectory) {
  EXPECT_EQ(output_of("pwd -P", {.directory = "/"}), "/\n");
}

TEST_F(ChildTest, EnvironmentIsAddedToThatOfTheParent) {
  ::setenv("HPP_CHILD_TEST_OURS", "ours", 1);
  ::setenv("HPP_CHILD_TEST_BOTH", "ours", 1);
  const auto text = output_of(
      "echo $HPP_CHILD_TEST_OURS $HPP_CHILD_TEST_BOTH $HPP_CHILD_TEST_NEW; env | grep -c TEST_BOTH",
      {.environment = {{"HPP_CHILD_TEST_BOTH", "theirs"}, {"HPP_CHILD_TEST_NEW", "a b=c"}}});
  EXPECT_EQ(text, "ours theirs a b=c\n1\n");
}

// hpp-launch sets such variables for its helpers, and systemd for its services.
TEST_F(ChildTest, DoesNotInheritTheVariablesOfTheServiceManager) {
  const char* const names[] = {"HPP_HELPER", "HPP_LAUNCH_PID", "LISTEN_FDS",   "LISTEN_FDNAMES",
                               "LISTEN_PID", "NOTIFY_SOCKET",  "WATCHDOG_PID", "WATCHDOG_USEC"};
  for (const char* const name : names) ::setenv(name, "ours", 1);
  ::setenv("HPP_HELPER_OF_THE_USER", "stays", 1);
  const std::string script =
      "env | grep -E '^(HPP_(HELPER|LAUNCH)|LISTEN_|NOTIFY_|WATCHDOG_)' | sort; :";
  EXPECT_EQ(output_of(script), "HPP_HELPER_OF_THE_USER=stays\n");
  EXPECT_EQ(output_of(script, {.environment = {{"HPP_HELPER", "x"}, {"NOTIFY_SOCKET", "y"}}}),
            "HPP_HELPER=x\nHPP_HELPER_OF_THE_USER=stays\nNOTIFY_SOCKET=y\n");
  for (const char* const name : names) ::unsetenv(name);
  ::unsetenv("HPP_HELPER_OF_THE_USER");
}

TEST_F(ChildTest, HasTheRequestedGroupAndSession) {
  using enum ChildRequest::Group;
  // proc(5): pid, name, state, parent, group, session.
  const char* script =
      "read -r pid name state parent group session rest </proc/$$/stat; "
      "echo $pid $group $session";
  const auto ids = [&](ChildRequest::Group group) {
    std::istringstream text(output_of(script, {.group = group}));
    std::vector<pid_t> numbers(3);
    text >> numbers[0] >> numbers[1] >> numbers[2];
    return numbers;
  };
  const auto inherited = ids(Inherited);
  EXPECT_EQ(inherited[1], ::getpgrp());
  EXPECT_EQ(inherited[2], ::getsid(0));
  const auto own_group = ids(OwnGroup);
  EXPECT_EQ(own_group[1], own_group[0]);
  EXPECT_EQ(own_group[2], ::getsid(0));
  const auto own_session = ids(OwnSession);
  EXPECT_EQ(own_session[1], own_session[0]);
  EXPECT_EQ(own_session[2], own_session[0]);
}

TEST_F(ChildTest, DoesNotInheritDescriptors) {
  const Pipe pipe = make_pipe();
  std::istringstream text(output_of("ls -l /proc/$$/fd"));
  const std::string ours = " " + std::to_string(pipe.writer.get()) + " -> pipe:";
  for (std::string line; std::getline(text, line);) {
    EXPECT_EQ(line.find(ours), std::string::npos) << line;
  }
}

TEST_F(ChildTest, HasDefaultSignals) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  const auto text = output_of("grep -E 'Sig(Blk|Ign)' /proc/self/status");
  ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  EXPECT_EQ(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(ChildTest, DiesWithItsParentIfRequested) {
  // A separate parent process starts a child, reports its pid, and is killed.
  Pipe told = make_pipe();
  const pid_t parent = ::fork();
  if (parent == 0) {
    Loop loop;
    const Child child(loop, {.command = {"sleep", "1000"}, .death_signal = SIGKILL},
                      [](ExitStatus) {});
    const pid_t pid = child.pid();
    if (::write(told.writer.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
    for (;;) ::pause();
  }
  pid_t child = 0;
  ASSERT_EQ(::read(told.reader.get(), &child, sizeof child), static_cast<ssize_t>(sizeof child));
  EXPECT_EQ(::kill(child, 0), 0);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  const auto is_gone = [child] {
    const auto stat = read_file("/proc/" + std::to_string(child) + "/stat");
    return !stat || stat->find(") Z ") != std::string::npos;
  };
  EXPECT_TRUE(run_until(loop_, is_gone));
}

// The old numbers do not matter. Here they include 3 and 4, in reverse order.
TEST_F(ChildTest, PassesDescriptorsAsSystemdDoes) {
  const UniqueFd first(::open((directory_ / "a").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const UniqueFd second(::open((directory_ / "b").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(first.get(), "a", 1) + ::write(second.get(), "b", 1), 2);
  for (const bool swapped : {false, true}) {
    ::lseek(first.get(), 0, SEEK_SET);
    ::lseek(second.get(), 0, SEEK_SET);
    ChildRequest request{.listen_fds = {{"one", first.get()}, {"two", second.get()}}};
    if (swapped) std::swap(request.listen_fds[0], request.listen_fds[1]);
    const std::string output = output_of(
        "[ $LISTEN_PID = $$ ] && echo $LISTEN_FDS $LISTEN_FDNAMES; cat <&3; cat <&4", request);
    EXPECT_EQ(output, swapped ? "2 two:one\nba" : "2 one:two\nab");
  }
}

TEST_F(ChildTest, HasNoListenVariablesWithoutPassedDescriptors) {
  EXPECT_EQ(output_of("echo ${LISTEN_FDS-none} ${LISTEN_PID-none}"), "none none\n");
}

// The gate and a listening socket may already have each other's number.
TEST_F(ChildTest, PassesTheGateToTheProgramsThatItExecutes) {
  const TemporaryDirectory directory;
  UniqueFd gate(::open((directory / "g").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(gate.get(), "gate", 4), 4);
  const UniqueFd other(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kGateFd));
  const std::string script = "exec sh -c 'echo $HPP_GATE; cat </proc/self/fd/'$HPP_GATE";
  EXPECT_EQ(output_of(script, {.gate_fd = gate.get()}), "64\ngate");
  EXPECT_EQ(output_of(script, {.listen_fds = {{"one", other.get()}}, .gate_fd = gate.get()}),
            "64\ngate");
  ::setenv(kGateVariable, "7", 1);
  EXPECT_EQ(output_of("echo ${HPP_GATE-none}"), "none\n") << "the gate of another hpp";
  ::unsetenv(kGateVariable);
}

// ---- a process that is reaped elsewhere ---------------------------------------------------------

class ForeignChildTest : public ChildTest {
 protected:
  // Starts a process that waits for proceed() and then runs `script`. Returns its pid.
  pid_t start(const std::string& script) {
    input_ = make_pipe();
    const std::string all = "read line; " + script;
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::dup2(input_.reader.get(), STDIN_FILENO);
      ::execlp("sh", "sh", "-c", all.c_str(), nullptr);
      ::_exit(127);
    }
    return pid;
  }

  void proceed() { ASSERT_EQ(::write(input_.writer.get(), "\n", 1), 1); }

  std::unique_ptr<Child> take_over(pid_t pid) {
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return std::make_unique<Child>(loop_, std::move(pidfd), pid,
                                   [this](ExitStatus status) { end_ = status; });
  }

  Pipe input_;
  std::optional<ExitStatus> end_;
};

TEST_F(ForeignChildTest, ReportsTheExitStatusOfAZombie) {
  const std::pair<const char*, ExitStatus> cases[] = {
      {"exit 0", {.number = 0}},
      {"exit 77", {.number = 77}},
      {"kill -SEGV $$", {.by_signal = true, .number = SIGSEGV}},
  };
  for (const auto& [script, expected] : cases) {
    end_.reset();
    const pid_t pid = start(script);
    const auto child = take_over(pid);
    EXPECT_TRUE(child->is_running());
    proceed();
    EXPECT_TRUE(run_until(loop_, [&] { return end_.has_value(); }));
    EXPECT_EQ(end_, expected) << script;
    EXPECT_FALSE(child->is_running());
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid) << "Child must not reap it";
  }
}

TEST_F(ForeignChildTest, ReportsTheExitStatusOfAReapedProcess) {
  const pid_t pid = start("exit 77");
  const auto child = take_over(pid);
  proceed();
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_TRUE(run_until(loop_, [&] { return end_.has_value(); }));
  // Kernels before 6.15 do not reveal the status.
  if (end_->is_known) {
    EXPECT_EQ(end_, (ExitStatus{.by_signal = false, .number = 77}));
  }
}

}  // namespace
}  // namespace hpp
