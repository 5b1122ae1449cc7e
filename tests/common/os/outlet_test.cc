// Terminals and pipes that are full or stopped. If a test hangs, a write has blocked.
#include "common/os/outlet.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <memory>
#include <optional>

#include "common/event/outlet_watch.h"
#include "common/os/file.h"
#include "common/os/pipe.h"
#include "common/os/terminal.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp {
namespace {

using Milliseconds = std::chrono::milliseconds;

std::string line(int number) {
  return "line " + std::to_string(number) + std::string(60, '.') + "\n";
}

// How an outlet may write to a destination.
enum class Access { Own, Shared };

class OutletTest : public testing::TestWithParam<Access> {
 protected:
  OutletTest() { std::signal(SIGPIPE, SIG_IGN); }

  static std::unique_ptr<Outlet> outlet_to(int fd) {
    if (GetParam() == Access::Own) return std::make_unique<Outlet>(fd);
    return std::make_unique<Outlet>(fd, UniqueFd());
  }

  // Writes lines until the destination is full, and then half as many more. Returns all lines.
  static std::string overfill(Outlet& outlet) {
    std::string all;
    int taken = 0;
    for (; !outlet.is_waiting(); ++taken) {
      all += line(taken);
      outlet.write(line(taken));
    }
    for (int i = taken; i < taken + taken / 2; ++i) {
      all += line(i);
      outlet.write(line(i));
    }
    return all;
  }

  // Reads `size` bytes from the other end, while the loop writes the queued bytes.
  std::string read_until(int fd, std::size_t size) {
    set_nonblocking(fd);
    std::string all;
    run_until(loop_, [&] {
      char bytes[4096];
      for (ssize_t got = 0; (got = ::read(fd, bytes, sizeof bytes)) > 0;) {
        all.append(bytes, static_cast<std::size_t>(got));
      }
      return all.size() >= size;
    });
    return all;
  }

  Loop loop_;
};

TEST_P(OutletTest, DoesNotBlockOnAFullPipe) {
  const Pipe pipe = make_pipe();
  const auto outlet = outlet_to(pipe.writer.get());
  const OutletWatch watch(loop_, *outlet);
  const std::string all = overfill(*outlet);
  EXPECT_TRUE(read_until(pipe.reader.get(), all.size()) == all);
  EXPECT_FALSE(outlet->is_waiting());
  EXPECT_EQ(::fcntl(pipe.writer.get(), F_GETFL) & O_NONBLOCK, 0)
      << "other processes share the description";
}

TEST_P(OutletTest, DoesNotBlockOnAFullTerminal) {
  const Pty pty = make_pty(-1);
  const auto outlet = outlet_to(pty.slave.get());
  const OutletWatch watch(loop_, *outlet);
  const std::string all = overfill(*outlet);
  EXPECT_TRUE(read_until(pty.master.get(), all.size()) == all);
  EXPECT_FALSE(outlet->is_waiting());
  EXPECT_EQ(::fcntl(pty.slave.get(), F_GETFL) & O_NONBLOCK, 0)
      << "other processes share the description";
}

// As with Ctrl+S and Ctrl+Q.
TEST_P(OutletTest, DoesNotBlockOnAStoppedTerminal) {
  const Pty pty = make_pty(-1);
  const auto outlet = outlet_to(pty.slave.get());
  const OutletWatch watch(loop_, *outlet);
  ASSERT_EQ(::tcflow(pty.slave.get(), TCOOFF), 0);
  outlet->write("while it is stopped\n");
  EXPECT_TRUE(outlet->is_waiting());
  run_for(loop_, Milliseconds(20));
  EXPECT_TRUE(outlet->is_waiting());
  ASSERT_EQ(::tcflow(pty.slave.get(), TCOON), 0);
  EXPECT_EQ(read_until(pty.master.get(), 20), "while it is stopped\n");
}

TEST_P(OutletTest, DiscardsOutputIfTheDestinationIsGone) {
  Pipe pipe = make_pipe();
  const auto outlet = outlet_to(pipe.writer.get());
  pipe.reader.reset();
  for (int i = 0; i < 10'000; ++i) outlet->write(line(i));
  EXPECT_FALSE(outlet->is_waiting());
}

TEST_P(OutletTest, FinishWaitsForALimitedTime) {
  const Pipe pipe = make_pipe();
  const auto outlet = outlet_to(pipe.writer.get());
  const std::string all = overfill(*outlet);
  const auto begin = std::chrono::steady_clock::now();
  outlet->finish(Milliseconds(30));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, Milliseconds(30));
  EXPECT_TRUE(outlet->is_waiting());
  const std::string taken = read_until(pipe.reader.get(), 1);
  outlet->finish(kTestDeadline);
  EXPECT_FALSE(outlet->is_waiting());
  EXPECT_TRUE(taken + read_until(pipe.reader.get(), all.size() - taken.size()) == all);
}

INSTANTIATE_TEST_SUITE_P(Ways, OutletTest, testing::Values(Access::Own, Access::Shared),
                         [](const auto& access) {
                           return access.param == Access::Own ? "Own" : "Shared";
                         });

class OutletKindTest : public OutletTest {};

TEST_F(OutletKindTest, DoesNotBlockOnAFullSocket) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  Outlet outlet(ours.get());
  const OutletWatch watch(loop_, outlet);
  const std::string all = overfill(outlet);
  EXPECT_TRUE(read_until(theirs.get(), all.size()) == all);
  EXPECT_EQ(::fcntl(ours.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(OutletKindTest, EndsAnIncompleteLineBeforeALineOfHpp) {
  const Pipe pipe = make_pipe();
  Outlet outlet(pipe.writer.get());
  outlet.write_line("first\n");
  outlet.write("");
  outlet.write_line("second\n");
  outlet.write("a prompt> ");
  outlet.write_control("\033[0m");
  outlet.write_line("third\n");
  outlet.write_control("\033[0m");
  outlet.write_line("fourth\n");
  const std::string expected = "first\nsecond\na prompt> \033[0m\nthird\n\033[0mfourth\n";
  EXPECT_EQ(read_until(pipe.reader.get(), expected.size()), expected);
}

// Otherwise lines of several processes would mix.
TEST_F(OutletKindTest, WritesALineInOnePiece) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_DIRECT), 0);  // one read returns the bytes of one write
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  const std::string text = std::string(2'000, '.') + '\n';
  Outlet own(writer.get());
  Outlet shared(writer.get(), UniqueFd());
  for (Outlet* const outlet : {&own, &shared}) {
    outlet->write(text);
    std::string got(PIPE_BUF, '\0');
    EXPECT_EQ(::read(reader.get(), got.data(), got.size()), static_cast<ssize_t>(text.size()));
  }
}

// If the file were opened once more, writing would start at its beginning.
TEST_F(OutletKindTest, AppendsToAFileThatOthersWriteToo) {
  const TemporaryDirectory directory;
  const std::string path = directory / "log";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Outlet outlet(file.get());
  outlet.write("one\n");
  ASSERT_EQ(::write(file.get(), "two\n", 4), 4);
  outlet.write("three\n");
  EXPECT_EQ(read_file(path), "one\ntwo\nthree\n");
}

TEST_F(OutletKindTest, NotifiesAllWritersWhenTheQueueIsEmpty) {
  const Pipe pipe = make_pipe();
  Outlet outlet(pipe.writer.get());
  OutletWatch watch(loop_, outlet);
  int one = 0;
  int other = 0;
  int gone = 0;
  watch.join(&one, [&] { ++one; });
  watch.join(&other, [&] { ++other; });
  watch.join(&gone, [&] { ++gone; });
  watch.leave(&gone);
  const std::string all = overfill(outlet);
  EXPECT_EQ(one + other, 0);
  read_until(pipe.reader.get(), all.size());
  EXPECT_EQ(one, 1);
  EXPECT_EQ(other, 1);
  EXPECT_EQ(gone, 0);
}

}  // namespace
}  // namespace hpp
