// Uses real processes that try to survive.
#include "supervisord/tree_killer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include "common/event/child.h"
#include "common/os/backend_tag.h"
#include "common/os/file.h"
#include "common/os/pipe.h"
#include "common/os/process_info.h"
#include "common/os/process_tree.h"
#include "supervisord/job.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

bool exists(pid_t pid) {
  return ::kill(pid, 0) == 0 || errno != ESRCH;
}

std::vector<pid_t> no_orphans() {
  return {};
}

void refuse_nothing(const std::vector<pid_t>&) {
  ADD_FAILURE() << "a kill was refused";
}

// Calls `fork` in a child that ends at once. The new process is then no descendant of this process.
// Returns the pid that `fork` returned in the child.
pid_t fork_outside(const std::function<pid_t()>& fork) {
  const Pipe answer = make_pipe();
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    const pid_t pid = fork();
    [[maybe_unused]] const auto written = ::write(answer.writer.get(), &pid, sizeof pid);
    ::_exit(0);
  }
  ::waitpid(parent, nullptr, 0);
  become_subreaper();
  pid_t pid = -1;
  return ::read(answer.reader.get(), &pid, sizeof pid) == sizeof pid ? pid : -1;
}

// Runs `code` in a process that is no descendant of this process, and returns its pid.
pid_t run_outside(const std::function<void()>& code) {
  return fork_outside([&] {
    const pid_t pid = ::fork();
    if (pid == 0) {
      code();
      ::_exit(127);
    }
    return pid;
  });
}

// Starts a process with the pid `number` that leads a group and is no descendant of this process.
// Returns its pid, or -1 if the system does not let this user choose a pid.
pid_t start_outside(pid_t number) {
  return fork_outside([&] {
    clone_args arguments{};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<std::uintptr_t>(&number);
    arguments.set_tid_size = 1;
    const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
    if (pid == 0) {
      ::setsid();
      for (;;) ::pause();
    }
    return pid;
  });
}

UniqueFd pidfd_of(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// Whether the process ends within this time (-1: waits for its end).
bool is_over(const UniqueFd& pidfd, int timeout_ms = 0) {
  pollfd entry{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, timeout_ms) != 0;
}

// The number in a complete line of the file; 0: there is none yet.
pid_t pid_in(const std::string& path) {
  const std::string text = read_file(path).value_or("");
  return text.ends_with("\n") ? std::stoi(text) : 0;
}

class TreeKillerTest : public testing::Test {
 protected:
  explicit TreeKillerTest(TreeKiller::Manners manners = {}) : manners_(manners) {}

  // Starts `script` as a backend. The script's processes append their pids to the file $PIDS.
  // Returns the pids when there are `count` of them.
  std::vector<pid_t> start(const std::string& script, std::size_t count) {
    const ChildRequest request{.command = {"sh", "-c", script},
                               .directory = {},
                               .environment = {{"PIDS", pids_path_}, {kBackendTag, tag_ + "1"}},
                               .group = ChildRequest::Group::OwnSession};
    server_.emplace(loop_, killer_, TreeKiller::Role::Server, request,
                    [this](ExitStatus) { ended_ = true; });
    EXPECT_TRUE(run_until(loop_, [&] { return pids().size() >= count; })) << script;
    return pids();
  }

  std::vector<pid_t> pids() const {
    std::istringstream text(read_file(pids_path_).value_or(""));
    std::vector<pid_t> found;
    for (std::string line; std::getline(text, line) && !text.eof();) {
      found.push_back(std::stoi(line));
    }
    return found;
  }

  void kill_and_wait() {
    gone_ = 0;
    killer_.kill();
    ASSERT_TRUE(run_until(loop_, [this] { return gone_ > 0; }));
  }

  void expect_all_gone(const std::vector<pid_t>& all) {
    for (const pid_t pid : all) EXPECT_FALSE(exists(pid)) << describe_process(pid);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie is left";
    EXPECT_EQ(gone_, 1);
  }

  // Starts the script, and kills all its processes.
  void expect_killed(const std::string& script, std::size_t count) {
    const auto all = start(script, count);
    kill_and_wait();
    expect_all_gone(all);
  }

  TemporaryDirectory directory_;
  std::string pids_path_ = directory_ / "pids";
  std::string tag_ = directory_.path() + "/";
  Loop loop_;
  int gone_ = 0;
  bool ended_ = false;
  TreeKiller::Manners manners_;
  std::vector<pid_t> refused_;
  TreeKiller killer_{loop_,
                     tag_,
                     no_orphans,
                     BuildDaemons(tag_, {"daemon.sh"}),
                     manners_,
                     [this] { ++gone_; },
                     [this](const std::vector<pid_t>& pids) { refused_ = pids; }};
  std::optional<Job> server_;
};

TEST_F(TreeKillerTest, AnswersAtOnceIfThereIsNoProcess) {
  killer_.kill();
  EXPECT_EQ(gone_, 1);
}

TEST_F(TreeKillerTest, KillsTheProcess) {
  expect_killed("echo $$ >>$PIDS; exec sleep 1000", 1);
  EXPECT_TRUE(ended_);
}

TEST_F(TreeKillerTest, KillsAProcessThatIgnoresAllOtherSignals) {
  expect_killed("trap '' TERM INT HUP QUIT; echo $$ >>$PIDS; while :; do sleep 0.01; done", 1);
}

TEST_F(TreeKillerTest, KillsAShellsChildren) {
  expect_killed("sh -c 'echo $$ >>$PIDS; sleep 1000; :' & echo $$ >>$PIDS; wait", 2);
}

TEST_F(TreeKillerTest, KillsAProcessInItsOwnSession) {
  expect_killed(
      "setsid sh -c 'echo $$ >>$PIDS; setsid sh -c \"echo \\$\\$ >>$PIDS; exec sleep 1000\"; :' & "
      "echo $$ >>$PIDS; wait",
      3);
}

TEST_F(TreeKillerTest, KillsDaemons) {
  expect_killed(
      "(setsid sh -c '(echo $$ >>$PIDS; exec sleep 1000) &') & "
      "(setsid sh -c 'echo $$ >>$PIDS; exec sleep 1000' &) ; echo $$ >>$PIDS; exec sleep 1000",
      3);
}

TEST_F(TreeKillerTest, KillsProcessesThatTheFirstOneLeftBehind) {
  const auto all = start(
      "(setsid sh -c 'echo $$ >>$PIDS; exec sleep 1000' &); "
      "(sh -c 'echo $$ >>$PIDS; exec sleep 1000' &); exit 3",
      2);
  ASSERT_TRUE(run_until(loop_, [this] { return ended_; }));
  EXPECT_EQ(gone_, 0) << "kill() was not called";
  EXPECT_TRUE(exists(all[0]));
  kill_and_wait();
  expect_all_gone(all);
}

TEST_F(TreeKillerTest, KillsAProcessThatForksAllTheTime) {
  start("echo $$ >>$PIDS; while :; do (setsid sh -c 'sleep 0.01' &); done", 1);
  run_for(loop_, std::chrono::milliseconds(50));
  kill_and_wait();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process is left";
}

TEST_F(TreeKillerTest, ReapsOrphansWhileTheBackendLives) {
  const auto all = start("(sh -c 'echo $$ >>$PIDS' &); exec sleep 1000", 1);
  EXPECT_TRUE(run_until(loop_, [&] { return !exists(all[0]); }));
  kill_and_wait();
}

// A tracer may release a zombie only after its owner has given up reaping it.
TEST_F(TreeKillerTest, ReapsAFirstProcessThatItsOwnerDidNotReap) {
  const pid_t first = ::fork();
  if (first == 0) {
    ::setsid();
    ::_exit(0);
  }
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(first), &info, WEXITED | WNOWAIT), 0);
  killer_.add(TreeKiller::Role::Server, first);
  killer_.leader_ended(first);
  kill_and_wait();
  expect_all_gone({first});
}

// The kill after a failed build comes long after the end of the previous backend, whose pid may
// belong to an unrelated process by then.
TEST_F(TreeKillerTest, ForgetsThePidOfABackendThatIsGone) {
  start("echo $$ >>$PIDS; exec sleep 1000", 1);
  const pid_t number = server_->pid();
  kill_and_wait();
  const pid_t stranger = start_outside(number);
  if (stranger != number) GTEST_SKIP() << "this user may not choose the pid of a process";
  EXPECT_TRUE(run_until(loop_, [&] { return ::getpgid(stranger) == stranger; }));
  const UniqueFd pidfd = pidfd_of(stranger);
  kill_and_wait();
  EXPECT_FALSE(is_over(pidfd, 100)) << "the unrelated process was killed";
  ::kill(stranger, SIGKILL);
}

TEST_F(TreeKillerTest, KillsOneBackendAfterAnother) {
  for (std::size_t i = 1; i <= 20; ++i) {
    expect_killed("echo $$ >>$PIDS; sleep 1000 & sleep 1000", i);
  }
}

TEST_F(TreeKillerTest, KillsAStoppedProcess) {
  expect_killed("echo $$ >>$PIDS; kill -STOP $$; sleep 1000", 1);
}

TEST_F(TreeKillerTest, KillsAHundredChildren) {
  expect_killed("for i in $(seq 100); do setsid sh -c 'echo $$ >>$PIDS; sleep 1000' & done; wait",
                100);
}

// ---- --stop-signal ------------------------------------------------------------------------------

class PoliteTest : public TreeKillerTest {
 protected:
  PoliteTest() : TreeKillerTest({.signal = SIGTERM, .patience = kTestDeadline}) {}

  std::string said() const { return read_file(said_path_).value_or(""); }

  std::string said_path_ = directory_ / "said";
};

TEST_F(PoliteTest, LetsTheServerEndByItself) {
  expect_killed("trap 'sleep 0.05; echo bye >" + said_path_ +
                    "; exit' TERM; echo $$ >>$PIDS; while :; do sleep 0.01; done",
                1);
  EXPECT_EQ(said(), "bye\n");
}

TEST_F(PoliteTest, KillsAProcessThatHasLeftTheGroupAfterwards) {
  expect_killed(
      "setsid sh -c 'echo $$ >>$PIDS; trap \"\" TERM; sleep 1000; sleep 1000' & "
      "echo $$ >>$PIDS; wait",
      2);
}

TEST_F(PoliteTest, DoesNotWaitForAServerThatHasEnded) {
  const auto all = start("echo $$ >>$PIDS", 1);
  EXPECT_TRUE(run_until(loop_, [&] { return ended_; }));
  kill_and_wait();
  expect_all_gone(all);
}

class ImpatientTest : public TreeKillerTest {
 protected:
  ImpatientTest() : TreeKillerTest({.signal = SIGTERM, .patience = milliseconds{20}}) {}
};

TEST_F(ImpatientTest, KillsAServerThatDoesNotEndInTime) {
  expect_killed("trap '' TERM; echo $$ >>$PIDS; sleep 1000; sleep 1000", 1);
}

// Starts a process that is no descendant of this process, like one that an earlier supervisord has
// left behind.
pid_t start_stranger(const std::string& tag, const std::string& pids_path) {
  return run_outside([&] {
    ::setenv(kBackendTag, tag.c_str(), 1);
    ::setenv("PIDS", pids_path.c_str(), 1);
    ::execlp("sh", "sh", "-c", "setsid sh -c 'echo $$ >>$PIDS; exec sleep 1000'; exit 0", nullptr);
  });
}

// Whether a stranger runs. The first process of a container may not reap it, so it may stay a
// zombie.
bool lives(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat").value_or("");
  const auto name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

TEST(TreeKillerLeftovers, AreKilledFirst) {
  TemporaryDirectory directory;
  const std::string pids = directory / "pids";
  const std::string tag = directory.path() + "/";
  const pid_t other = start_stranger(tag + "7", pids);
  const pid_t elsewhere = start_stranger(directory.path() + "2/7", directory / "pids2");
  Loop loop;
  int gone = 0;
  ASSERT_TRUE(
      run_until(loop, [&] { return pid_in(pids) != 0 && pid_in(directory / "pids2") != 0; }));
  TreeKiller killer(
      loop, tag, no_orphans, BuildDaemons(tag, {}), {}, [&] { ++gone; }, refuse_nothing);
  const pid_t leftover = pid_in(pids);
  killer.kill();
  EXPECT_TRUE(run_until(loop, [&] { return gone > 0; }));
  EXPECT_TRUE(run_until(loop, [&] { return !lives(leftover); }));
  EXPECT_TRUE(run_until(loop, [&] { return !lives(other); })) << "tagged, too";
  EXPECT_TRUE(lives(elsewhere)) << "not of this run directory";
  EXPECT_EQ(gone, 1);
  ::kill(pid_in(directory / "pids2"), SIGKILL);
  EXPECT_TRUE(run_until(loop, [&] { return !lives(elsewhere); }));
}

// Only the service manager knows that the process belongs to the backend.
TEST(TreeKillerLeftovers, OrphansAreKilledAndWaitedFor) {
  TemporaryDirectory directory;
  const std::string pids = directory / "pids";
  start_stranger("elsewhere/7", pids);
  Loop loop;
  ASSERT_TRUE(run_until(loop, [&] { return pid_in(pids) != 0; }));
  const pid_t orphan = pid_in(pids);
  const UniqueFd pidfd = pidfd_of(orphan);
  const auto find_orphans = [&] { return exists(orphan) ? std::vector{orphan} : no_orphans(); };
  int gone = 0;
  TreeKiller killer(
      loop, directory.path() + "/", find_orphans, BuildDaemons("", {}), {},
      [&] {
        ++gone;
        EXPECT_TRUE(is_over(pidfd)) << "the orphan lives";
      },
      refuse_nothing);
  killer.kill();
  EXPECT_TRUE(run_until(loop, [&] { return gone > 0; }));
}

// The process has so much memory that it dies slowly. If it were reported as gone before its last
// socket is closed, the next backend would be started while the port is still in use.
TEST(TreeKillerLeftovers, TheProcessThatWasTakenOverIsWaitedFor) {
  TemporaryDirectory directory;
  const std::string tag = directory.path() + "/";
  const std::string ready = directory / "ready";
  const std::string code =
      "import os, time\nmemory = bytearray(b'x' * 4096) * (64 << 10)\nwith open('" + ready +
      "', 'w') as file: file.write(f'{os.getpid()}\\n')\ntime.sleep(1000)";
  run_outside([&] {  // as after a crash
    ::setsid();
    ::setenv(kBackendTag, (tag + "7").c_str(), 1);
    ::execlp("python3", "python3", "-c", code.c_str(), nullptr);
  });
  Loop loop;
  ASSERT_TRUE(run_until(loop, [&] { return pid_in(ready) != 0; }));
  const pid_t first = pid_in(ready);
  const UniqueFd pidfd = pidfd_of(first);
  int gone = 0;
  TreeKiller killer(
      loop, tag, no_orphans, BuildDaemons(tag, {}), {},
      [&] {
        ++gone;
        EXPECT_TRUE(is_over(pidfd)) << "the process is still dying";
      },
      refuse_nothing);
  killer.take_over(first, UniqueFd(::dup(pidfd.get())));
  killer.kill();
  EXPECT_TRUE(run_until(loop, [&] { return gone > 0; }));
}

// A process outside the backend's tree, like a debugger that was started in another terminal. It
// traces the process whose pid it reads from a pipe, and reports the result on another pipe.
class Tracer {
 public:
  Tracer() {
    Pipe orders = make_pipe();
    Pipe answers = make_pipe();
    pid_ = run_outside([&] {
      pid_t target = 0;
      const bool is_told = ::read(orders.reader.get(), &target, sizeof target) == sizeof target;
      const char done = is_told && trace(target) ? 'y' : 'n';
      [[maybe_unused]] const auto written = ::write(answers.writer.get(), &done, 1);
      for (;;) ::pause();
    });
    orders_ = std::move(orders.writer);
    answers_ = std::move(answers.reader);
  }

  ~Tracer() { end(); }

  // Returns whether the system permits tracing (Yama may forbid it).
  bool attach(pid_t target) {
    char done = 'n';
    return ::write(orders_.get(), &target, sizeof target) == sizeof target &&
           ::read(answers_.get(), &done, 1) == 1 && done == 'y';
  }

  pid_t pid() const { return pid_; }

  void end() {
    if (pid_ == 0) return;
    const ProcessHandle tracer = open_process(pid_);
    tracer.signal(SIGKILL);
    is_over(tracer.pidfd, -1);
    pid_ = 0;
  }

 private:
  // Traces all threads of the process, as gdb does.
  static bool trace(pid_t target) {
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(target) + "/task")) {
      const int tid = std::stoi(task.path().filename());
      if (::ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0) return false;
    }
    return true;
  }

  pid_t pid_ = 0;
  UniqueFd orders_;
  UniqueFd answers_;
};

class TreeKillerTraced : public testing::TestWithParam<const char*> {};

TEST_P(TreeKillerTraced, DoesNotWaitForTheTracer) {
  TemporaryDirectory directory;
  const std::string ready = directory / "ready";
  Loop loop;
  Tracer tracer;
  int gone = 0;
  TreeKiller killer(
      loop, directory.path() + "/", no_orphans, BuildDaemons("", {}), {}, [&] { ++gone; },
      refuse_nothing);
  bool has_ended = false;
  const std::string code = std::string("import threading, time\n") + GetParam() + "open('" + ready +
                           "', 'w').write('x')\ntime.sleep(1000)";
  Job job(loop, killer, TreeKiller::Role::Server,
          {.command = {"python3", "-c", code},
           .directory = {},
           .environment = {},
           .group = ChildRequest::Group::OwnSession},
          [&](ExitStatus) { has_ended = true; });
  ASSERT_TRUE(run_until(loop, [&] { return read_file(ready) == "x"; }));
  if (!tracer.attach(job.pid())) {
    killer.kill();
    ASSERT_TRUE(run_until(loop, [&] { return gone > 0; }));
    GTEST_SKIP() << "no process may trace another one here";
  }
  killer.kill();
  ASSERT_TRUE(run_until(loop, [&] { return gone > 0; }));
  EXPECT_TRUE(zombie_status(job.pid())) << "the tracer keeps the zombie";
  EXPECT_EQ(tracer_of(job.pid()), tracer.pid());
  const pid_t zombie = job.pid();
  tracer.end();
  EXPECT_TRUE(run_until(loop, [&] {
    killer.look();
    return !exists(zombie);
  })) << "the zombie is not reaped";
  EXPECT_EQ(gone, 1);
}

INSTANTIATE_TEST_SUITE_P(Threads, TreeKillerTraced,
                         testing::Values("",
                                         "threading.Thread(target=time.sleep, args=(1000,), "
                                         "daemon=True).start()\n"));

// Runs a script as a build, and then a backend beside the processes that the build has left.
class TreeKillerOfBuild : public TreeKillerTest {
 protected:
  pid_t build(const std::string& script) {
    std::ofstream(directory_ / "daemon.sh") << "echo $$ >>$PIDS; sleep 1000 & wait";
    const ChildRequest request{
        .command = {"sh", "-c", script},
        .directory = directory_.path(),
        .environment = {{"PIDS", pids_path_}, {kBackendTag, tag_ + kBuildTag}},
        .group = ChildRequest::Group::OwnSession,
        .pid_variable = kBuildLeader};
    step_.emplace(loop_, killer_, TreeKiller::Role::Step, request,
                  [this](ExitStatus) { has_built_ = true; });
    EXPECT_TRUE(run_until(loop_, [&] { return !pids().empty(); })) << script;
    return pids().empty() ? 0 : pids().front();
  }

  void end(pid_t daemon) {
    for (const pid_t pid : living_descendants(daemon)) ::kill(pid, SIGKILL);
    ::kill(daemon, SIGKILL);
    EXPECT_TRUE(run_until(loop_, [&] { return !exists(daemon); }));
  }

  bool has_built_ = false;
  std::optional<Job> step_;
};

TEST_F(TreeKillerOfBuild, SparesABuildDaemon) {
  const pid_t daemon = build("setsid -f sh ./daemon.sh");
  ASSERT_TRUE(run_until(loop_, [&] { return has_built_; }));
  const auto all = start("setsid sh -c 'echo $$ >>$PIDS; exec sleep 1000' & wait", 2);
  kill_and_wait();
  EXPECT_EQ(gone_, 1);
  EXPECT_TRUE(exists(daemon));
  EXPECT_EQ(living_descendants(daemon).size(), 1U) << "the daemon's child lives, too";
  EXPECT_FALSE(exists(all.back()));
  EXPECT_TRUE(killer_.processes().empty()) << "the daemon does not belong to the backend";
  kill_and_wait();
  end(daemon);
}

TEST_F(TreeKillerOfBuild, SparesTheBuildDaemonOfAKilledBuild) {
  const pid_t daemon = build("setsid -f sh ./daemon.sh; sleep 1000");
  kill_and_wait();
  EXPECT_TRUE(has_built_);
  EXPECT_TRUE(exists(daemon));
  end(daemon);
}

TEST_F(TreeKillerOfBuild, KillsAnyOtherProcessThatTheBuildHasLeft) {
  const pid_t other = build("mv daemon.sh other.sh; setsid -f sh ./other.sh");
  ASSERT_TRUE(run_until(loop_, [&] { return has_built_; }));
  kill_and_wait();
  EXPECT_FALSE(exists(other));
}

TEST_F(TreeKillerOfBuild, KillsAProcessOfTheBackendThatHasTheNameOfABuildDaemon) {
  std::ofstream(directory_ / "daemon.sh") << "echo $$ >>$PIDS; exec sleep 1000";
  expect_killed("setsid -f sh " + (directory_ / "daemon.sh"), 1);
}

class TreeKillerOfSpare : public TreeKillerTest {
 protected:
  // Starts `script` as a spare. Its processes append their pids to the file $PIDS. Returns the pids
  // when there are `count` more of them.
  std::vector<pid_t> start_spare(const std::string& script, std::size_t count) {
    const std::size_t before = pids().size();
    const std::string tag = tag_ + "spare-1";
    const ChildRequest request{.command = {"sh", "-c", script},
                               .directory = {},
                               .environment = {{"PIDS", pids_path_}, {kBackendTag, tag}},
                               .group = ChildRequest::Group::OwnSession};
    killer_.expect_spare(std::string(kBackendTag) + "=" + tag);
    spare_.emplace(loop_, killer_, TreeKiller::Role::Spare, request, [](ExitStatus) {});
    EXPECT_TRUE(run_until(loop_, [&] { return pids().size() >= before + count; })) << script;
    std::vector<pid_t> found = pids();
    found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(before));
    return found;
  }

  // Waits until the kernel has no process with these pids.
  void expect_ended(const std::vector<pid_t>& all) {
    for (const pid_t pid : all) {
      EXPECT_TRUE(run_until(loop_, [&] { return !exists(pid); })) << describe_process(pid);
    }
  }

  // Two processes, of which one is a direct child of ours, outside the spare's group.
  static constexpr const char* kTwo =
      "(setsid sh -c 'echo $$ >>$PIDS; exec sleep 1000' &); echo $$ >>$PIDS; exec sleep 1000";

  std::optional<Job> spare_;
};

TEST_F(TreeKillerOfSpare, SurvivesTheBackend) {
  const auto backend = start(kTwo, 2);
  const auto spare = start_spare(kTwo, 2);
  for (const pid_t pid : killer_.processes()) {
    EXPECT_TRUE(pid == backend[0] || pid == backend[1]) << "it belongs to the spare";
  }
  kill_and_wait();
  EXPECT_EQ(gone_, 1);
  for (const pid_t pid : backend) EXPECT_FALSE(exists(pid));
  for (const pid_t pid : spare) EXPECT_TRUE(exists(pid));
  kill_and_wait();
  EXPECT_EQ(gone_, 1) << "there is nothing to kill";
  for (const pid_t pid : spare) EXPECT_TRUE(exists(pid));
  killer_.discard_spare();
  kill_and_wait();
  expect_ended(spare);
}

TEST_F(TreeKillerOfSpare, DiesWithTheNextKillWhenItIsTheBackend) {
  const auto spare = start_spare(kTwo, 2);
  kill_and_wait();
  killer_.promote_spare();
  EXPECT_EQ(killer_.processes().size(), 2U);
  kill_and_wait();
  expect_all_gone(spare);
}

TEST_F(TreeKillerOfSpare, DiesWhenItIsDiscarded) {
  const auto spare = start_spare("sleep 1000 & echo $! >>$PIDS; echo $$ >>$PIDS; wait", 2);
  killer_.discard_spare();
  expect_ended(spare);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie is left";
  EXPECT_EQ(gone_, 0);
}

TEST_F(TreeKillerOfSpare, IsNoLeftoverOfAnEarlierSupervisord) {
  const pid_t leftover = run_outside([this] {
    ::setenv(kBackendTag, (tag_ + "spare-0").c_str(), 1);
    ::execlp("sleep", "sleep", "1000", nullptr);
  });
  const UniqueFd leftover_fd = pidfd_of(leftover);
  const auto spare = start_spare("echo $$ >>$PIDS; exec sleep 1000", 1);
  EXPECT_TRUE(run_until(loop_, [&] {
    return has_environment(leftover, std::string(kBackendTag) + "=" + tag_ + "spare-0");
  }));
  kill_and_wait();
  EXPECT_TRUE(is_over(leftover_fd)) << "the spare of the earlier one";
  EXPECT_TRUE(exists(spare.front()));
  killer_.discard_spare();
  expect_ended(spare);
}

// The real and the effective user id decide which processes may be signalled. The saved one lets
// the test become root again.
TEST_F(TreeKillerTest, ReportsProcessesThatItMayNotKill) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a process of another user";
  const auto all = start("echo $$ >>$PIDS; exec sleep 1000", 1);
  ASSERT_EQ(::setresuid(65534, 65534, 0), 0);
  killer_.kill();
  EXPECT_TRUE(run_until(loop_, [&] { return !refused_.empty(); }));
  EXPECT_EQ(::setresuid(0, 0, 0), 0);
  EXPECT_EQ(refused_, all);
  EXPECT_EQ(gone_, 0);
  ::kill(all.front(), SIGKILL);  // as its own user would
  EXPECT_TRUE(run_until(loop_, [&] { return gone_ > 0; }));
  EXPECT_EQ(gone_, 1);
}

}  // namespace
}  // namespace hpp::supervisord
