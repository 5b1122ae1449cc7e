// Messages of a program to its service manager, read from the manager's end of the socket.
#include "common/service_manager.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "common/event/signals.h"
#include "common/os/fd_message.h"
#include "common/os/pipe.h"
#include "common/os/socket_address.h"
#include "tests/support/free_port.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

class ServiceManagerTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = directory_ / "notify.sock";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }

  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC"}) ::unsetenv(name);
  }

  // Returns the next message if one has arrived.
  std::optional<FdMessage> heard() { return receive_message(socket_.get(), 1024); }

  std::string heard_text() {
    const auto message = heard();
    return message ? message->text : "nothing";
  }

  Loop loop_;
  TemporaryDirectory directory_;
  UniqueFd socket_;
};

ino_t file_of(int fd) {
  struct stat status {};

  ::fstat(fd, &status);
  return status.st_ino;
}

TEST_F(ServiceManagerTest, ReadyIsReportedOnce) {
  ServiceManager manager(loop_);
  EXPECT_EQ(heard_text(), "nothing");
  manager.ready();
  EXPECT_EQ(heard_text(), "READY=1");
  EXPECT_EQ(heard_text(), "nothing") << "there is no watchdog";
}

TEST_F(ServiceManagerTest, LifeSignsFollowTheWatchdogTime) {
  ::setenv("WATCHDOG_USEC", "30000", 1);
  ServiceManager manager(loop_);
  manager.ready();
  EXPECT_EQ(heard_text(), "READY=1");
  int signs = 0;
  EXPECT_TRUE(run_until(loop_, [&] {
    for (auto datagram = heard(); datagram; datagram = heard()) {
      EXPECT_EQ(datagram->text, "WATCHDOG=1");
      ++signs;
    }
    return signs == 5;
  }));
}

TEST_F(ServiceManagerTest, StoresDescriptorsUnderAName) {
  ServiceManager manager(loop_);
  const Pipe pipe = make_pipe();
  manager.store("pipe", {pipe.reader.get(), pipe.writer.get()});
  const auto stored = heard();
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->text, "FDSTORE=1\nFDNAME=pipe\nFDPOLL=0");
  ASSERT_EQ(stored->fds.size(), 2U);
  EXPECT_EQ(file_of(stored->fds[0].get()), file_of(pipe.reader.get()));
  manager.forget("pipe");
  EXPECT_EQ(heard_text(), "FDSTOREREMOVE=1\nFDNAME=pipe");
}

TEST_F(ServiceManagerTest, AFullOrMissingSocketDoesNotBlock) {
  ServiceManager manager(loop_);
  for (int i = 0; i < 10'000; ++i) manager.forget("x");  // a blocking socket would block forever
  ::unlink((directory_ / "notify.sock").c_str());
  socket_.reset();
  manager.ready();
  SUCCEED();
}

TEST_F(ServiceManagerTest, ChildrenDoNotInheritItsVariables) {
  ::setenv("WATCHDOG_USEC", "30000", 1);
  const ServiceManager manager(loop_);
  EXPECT_EQ(::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(::getenv("WATCHDOG_USEC"), nullptr);
}

// os/launch_tree_test and integration/systemd test which processes are orphans.
TEST_F(ServiceManagerTest, AProcessThatTheManagerDidNotStartHasNoOrphans) {
  EXPECT_TRUE(ServiceManager(loop_).orphans().empty());
}

// Runs in a process whose environment names `launcher` as hpp-launch. Writes `r` to `told` when it
// is ready, and `t` when it receives SIGTERM.
[[noreturn]] void be_helper(pid_t launcher, int told) {
  const auto tell = [told](char what) {
    [[maybe_unused]] const auto written = ::write(told, &what, 1);
  };
  ::setenv("HPP_LAUNCH_PID", std::to_string(launcher).c_str(), 1);
  Loop loop;
  const Signals signals(loop, {SIGTERM}, [&](int) {
    tell('t');
    ::_exit(0);
  });
  const ServiceManager manager(loop);
  if (::getenv("HPP_LAUNCH_PID") == nullptr) tell('r');
  loop.run();
  ::_exit(1);
}

char read_byte(int fd) {
  char byte = 0;
  return ::read(fd, &byte, 1) == 1 ? byte : '\0';
}

// The kernel clears the death signal of a program with file capabilities, so PR_SET_PDEATHSIG alone
// would not be enough.
TEST_F(ServiceManagerTest, EndsWithHppLaunch) {
  Pipe told = make_pipe();
  const Pipe life = make_pipe();
  const pid_t launcher = ::fork();
  if (launcher == 0) {
    const pid_t self = ::getpid();
    if (::fork() == 0) be_helper(self, told.writer.get());
    read_byte(life.reader.get());
    ::_exit(0);
  }
  told.writer.reset();
  EXPECT_EQ(read_byte(told.reader.get()), 'r');
  ASSERT_EQ(::write(life.writer.get(), "x", 1), 1);
  EXPECT_EQ(read_byte(told.reader.get()), 't');
  ::waitpid(launcher, nullptr, 0);
}

TEST_F(ServiceManagerTest, EndsIfHppLaunchHasEndedBefore) {
  Pipe told = make_pipe();
  const pid_t ended = ::fork();
  if (ended == 0) ::_exit(0);
  const pid_t helper = ::fork();
  if (helper == 0) be_helper(ended, told.writer.get());
  told.writer.reset();
  EXPECT_EQ(read_byte(told.reader.get()), 'r');
  EXPECT_EQ(read_byte(told.reader.get()), 't');
  ::waitpid(helper, nullptr, 0);
  ::waitpid(ended, nullptr, 0);
}

// Runs `check` in a child that gets `fd` as descriptor 3. Returns the result of `check`.
bool is_passed(int fd, const std::function<bool(ServiceManager&)>& check) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(fd, 3);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_FDNAMES", "http", 1);
    Loop loop;
    ServiceManager manager(loop);
    ::_exit(check(manager) ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

TEST_F(ServiceManagerTest, PassesListeningSockets) {
  const auto sockets = listen_on(resolve({.host = "127.0.0.1", .port = free_port()}));
  EXPECT_TRUE(is_passed(sockets.front().get(), [](ServiceManager& manager) {
    const auto taken = manager.take_listening("http");
    return taken.size() == 1 && (::fcntl(taken.front().get(), F_GETFD) & FD_CLOEXEC) != 0 &&
           manager.take_listening("http").empty();
  }));
}

TEST_F(ServiceManagerTest, ForgetsWhatWasNotTaken) {
  const Pipe pipe = make_pipe();
  for (const bool takes : {false, true}) {
    EXPECT_TRUE(is_passed(pipe.reader.get(), [&](ServiceManager& manager) {
      const auto taken = takes ? manager.take("http") : std::vector<UniqueFd>{};
      manager.forget_untaken();
      return manager.take("http").empty() && (::fcntl(3, F_GETFD) >= 0) == takes;
    }));
    EXPECT_EQ(heard_text(), takes ? "nothing" : "FDSTOREREMOVE=1\nFDNAME=http");
  }
}

TEST_F(ServiceManagerTest, RejectsSocketsThatDoNotListen) {
  const auto is_refused = [](ServiceManager& manager) {
    try {
      manager.take_listening("http");
      return false;
    } catch (const std::runtime_error& error) {
      return std::string(error.what()).find("under the name http is no stream socket") !=
             std::string::npos;
    }
  };
  const Pipe pipe = make_pipe();
  const UniqueFd stream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd datagram(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (const int fd : {pipe.reader.get(), stream.get(), datagram.get()}) {
    EXPECT_TRUE(is_passed(fd, is_refused));
  }
}

TEST_F(ServiceManagerTest, IsAbsentAtAPrompt) {
  ::unsetenv("NOTIFY_SOCKET");
  ServiceManager manager(loop_);
  manager.ready();
  manager.store("pipe", {STDIN_FILENO});
  EXPECT_TRUE(manager.take("pipe").empty());
  EXPECT_EQ(heard_text(), "nothing");
}

}  // namespace
}  // namespace hpp
