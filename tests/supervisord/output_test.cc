#include "supervisord/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "common/bus/messages.h"
#include "common/os/file.h"
#include "common/os/pipe.h"
#include "common/os/terminal.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

std::string binary(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

void write_all(int fd, std::string_view bytes) {
  ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

// A write of this size is atomic: pipe(7) writes all of it or nothing.
constexpr std::size_t kPieceSize = 1000;

// Writes pieces of kPieceSize until the pipe is full. Returns the number of bytes written.
std::size_t fill(int fd) {
  set_nonblocking(fd);
  const std::string bytes = binary(kPieceSize);
  std::size_t total = 0;
  for (;;) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) return total;
    total += static_cast<std::size_t>(written);
  }
}

class OutputTest : public testing::Test {
 protected:
  OutputTest() {
    std::signal(SIGPIPE, SIG_IGN);
    output_.emplace(loop_, to(out_.writer.get()), to(err_.writer.get()));
    ends_ = output_->open();
  }

  // Reads the bytes that have arrived at our stdout or stderr so far.
  static std::string read_now(int fd) {
    set_nonblocking(fd);
    std::string all;
    char bytes[4096];
    for (;;) {
      const ssize_t got = ::read(fd, bytes, sizeof bytes);
      if (got <= 0) return all;
      all.append(bytes, static_cast<std::size_t>(got));
    }
  }

  std::string read_until(int fd, std::size_t size) {
    std::string all;
    run_until(loop_, [&] {
      all += read_now(fd);
      return all.size() >= size;
    });
    return all;
  }

  OutletWatch& to(int fd) { return destinations_.at(fd); }

  Loop loop_;
  Destinations destinations_{loop_};
  Pipe out_ = make_pipe();
  Pipe err_ = make_pipe();
  std::optional<Output> output_;
  Output::Ends ends_;
};

TEST_F(OutputTest, PassesBytesOnWithoutDelay) {
  write_all(ends_.out.get(), "half a li");
  EXPECT_EQ(read_until(out_.reader.get(), 9), "half a li");
  write_all(ends_.out.get(), std::string_view("ne\0\xff\n", 5));
  EXPECT_EQ(read_until(out_.reader.get(), 5), std::string("ne\0\xff\n", 5));
  write_all(ends_.err.get(), "trouble");
  EXPECT_EQ(read_until(err_.reader.get(), 7), "trouble");
  EXPECT_EQ(read_now(out_.reader.get()), "");
}

// `hpp-launch … >log 2>&1`: two descriptors refer to the same file.
TEST_F(OutputTest, LogMessageInTheSameFileBeginsOnItsOwnLine) {
  TemporaryDirectory directory;
  const std::string path = directory / "log";
  const UniqueFd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const UniqueFd err(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  Output output(loop_, to(out.get()), to(err.get()));
  Output::Ends ends = output.open();
  write_all(ends.out.get(), "no newline");
  output.drain();
  to(err.get()).outlet().write_line("hpp\n");
  write_all(ends.err.get(), "whole\n");
  output.drain();
  to(err.get()).outlet().write_line("hpp\n");
  EXPECT_EQ(read_file(path), "no newline\nhpp\nwhole\nhpp\n");
}

TEST_F(OutputTest, LogMessageInAnotherFileDoesNotChangeTheOutput) {
  write_all(ends_.out.get(), "no newline");
  EXPECT_EQ(read_until(out_.reader.get(), 10), "no newline");
  to(err_.writer.get()).outlet().write_line("hpp\n");
  EXPECT_EQ(read_until(err_.reader.get(), 4), "hpp\n");
  write_all(ends_.out.get(), ", and on");
  EXPECT_EQ(read_until(out_.reader.get(), 8), ", and on");
}

TEST_F(OutputTest, PassesLargeOutputToAPlainFile) {
  TemporaryDirectory directory;
  const std::string path = directory / "log";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Output output(loop_, to(file.get()), to(err_.writer.get()));
  Output::Ends ends = output.open();
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    const std::string piece = binary(50'000);
    write_all(ends.out.get(), piece);
    expected += piece;
    ASSERT_TRUE(run_until(loop_, [&] {
      return ::lseek(file.get(), 0, SEEK_CUR) == static_cast<off_t>(expected.size());
    }));
  }
  EXPECT_TRUE(read_file(path) == expected);
}

TEST_F(OutputTest, BlocksTheBackendWithoutAReaderAndLosesNothing) {
  std::size_t accepted = 0;
  // Fills our stdout's pipe, the backend's pipe and the relay's buffer, until none has room.
  while (const std::size_t more = fill(ends_.out.get())) {
    accepted += more;
    ASSERT_LT(accepted, 1'000'000U);
    run_for(loop_, milliseconds(5));
  }
  std::string expected;
  while (expected.size() < accepted) expected += binary(kPieceSize);
  EXPECT_TRUE(read_until(out_.reader.get(), accepted) == expected);
  EXPECT_GT(fill(ends_.out.get()), 0U) << "it reads on";
}

TEST_F(OutputTest, NeverMakesOurDescriptorsNonBlocking) {
  fill(ends_.out.get());
  run_for(loop_, milliseconds(10));
  EXPECT_EQ(::fcntl(out_.writer.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(OutputTest, SlowStdoutDoesNotDelayStderr) {
  fill(ends_.out.get());
  run_for(loop_, milliseconds(10));
  write_all(ends_.err.get(), "still here");
  EXPECT_EQ(read_until(err_.reader.get(), 10), "still here");
}

TEST_F(OutputTest, ContinuesWhenOurStdoutIsClosed) {
  out_.reader.reset();
  for (int i = 0; i < 100; ++i) {
    write_all(ends_.out.get(), binary(4000));
    run_for(loop_, milliseconds(1));
  }
  write_all(ends_.err.get(), "alive");
  EXPECT_EQ(read_until(err_.reader.get(), 5), "alive");
}

TEST_F(OutputTest, KeepsTheTailOfStderr) {
  std::string all;
  for (char i = 0; i < 20; ++i) {
    std::string piece = binary(5'000);
    piece[0] = i;
    write_all(ends_.err.get(), piece);
    ASSERT_EQ(read_until(err_.reader.get(), piece.size()), piece);
    all += piece;
  }
  EXPECT_EQ(output_->tail().size(), bus::kOutputTailMax);
  EXPECT_TRUE(all.ends_with(output_->tail()));
}

TEST_F(OutputTest, UsesTheTailOfStdoutIfStderrIsEmpty) {
  write_all(ends_.out.get(), "usage: …");
  output_->drain();
  EXPECT_EQ(output_->tail(), "usage: …");
  write_all(ends_.err.get(), "error");
  output_->drain();
  EXPECT_EQ(output_->tail(), "error");
}

TEST_F(OutputTest, DrainsWithoutWaitingForASurvivorThatKeepsThePipeOpen) {
  write_all(ends_.err.get(), "last words");
  output_->drain();
  EXPECT_EQ(output_->tail(), "last words");
  EXPECT_EQ(read_now(err_.reader.get()), "last words");
  write_all(ends_.err.get(), ", and more of a child");
  EXPECT_EQ(read_until(err_.reader.get(), 21), ", and more of a child");
}

TEST_F(OutputTest, PassesOutputOfADeadBackendOnBeforeThatOfTheNext) {
  const std::size_t stuck = fill(ends_.out.get());
  run_for(loop_, milliseconds(10));
  const Output::Ends fresh = output_->open();
  ends_ = {};
  write_all(fresh.out.get(), "second");
  const std::string got = read_until(out_.reader.get(), stuck + 6);
  EXPECT_EQ(got.size(), stuck + 6);
  EXPECT_TRUE(got.ends_with("second"));
  EXPECT_EQ(output_->tail(), "second");
}

TEST_F(OutputTest, TailContainsOnlyOutputOfTheNewestBackend) {
  write_all(ends_.err.get(), "first");
  output_->drain();
  const Output::Ends fresh = output_->open();
  EXPECT_EQ(output_->tail(), "");
}

// As after a crash: the pipes were made by an earlier supervisord.
TEST_F(OutputTest, TakesOverPipes) {
  const Pipe out = make_pipe();
  const Pipe err = make_pipe();
  write_all(err.writer.get(), "before\n");
  std::vector<UniqueFd> readers;
  for (const Pipe* pipe : {&out, &err}) readers.emplace_back(::dup(pipe->reader.get()));
  output_->take_over(std::move(readers));
  write_all(out.writer.get(), "after\n");
  std::string got_out;
  std::string got_err;
  EXPECT_TRUE(run_until(loop_, [&] {
    got_out += read_now(out_.reader.get());
    got_err += read_now(err_.reader.get());
    return got_out == "after\n" && got_err == "before\n";
  }));
  EXPECT_EQ(output_->tail(), "before\n");
}

// The user has two terminals. The test reads their masters as screens.
class TerminalOutputTest : public OutputTest {
 protected:
  Pty first_ = make_pty(-1);
  Pty second_ = make_pty(-1);
};

TEST_F(TerminalOutputTest, ATerminalStreamBecomesATerminalAndAPipeAPipe) {
  Output output(loop_, to(first_.slave.get()), to(err_.writer.get()));
  const Output::Ends ends = output.open();
  EXPECT_TRUE(is_terminal(ends.out.get()));
  EXPECT_FALSE(is_terminal(ends.err.get()));
  write_all(ends.out.get(), "to the screen\r\n");
  write_all(ends.err.get(), "to the pipe\n");
  EXPECT_EQ(read_until(first_.master.get(), 15), "to the screen\r\n");
  EXPECT_EQ(read_until(err_.reader.get(), 12), "to the pipe\n");
  EXPECT_EQ(output.tail(), "to the pipe\n");
}

TEST_F(TerminalOutputTest, TwoTerminalsBecomeTwo) {
  Output output(loop_, to(first_.slave.get()), to(second_.slave.get()));
  const Output::Ends ends = output.open();
  EXPECT_FALSE(is_same_terminal(ends.out.get(), ends.err.get()));
  EXPECT_EQ(output.readers().size(), 2U);
  write_all(ends.out.get(), "one");
  write_all(ends.err.get(), "other");
  EXPECT_EQ(read_until(first_.master.get(), 3), "one");
  EXPECT_EQ(read_until(second_.master.get(), 5), "other");
}

TEST_F(TerminalOutputTest, OneTerminalBecomesOneAndKeepsTheOrderOfLines) {
  Output output(loop_, to(first_.slave.get()), to(first_.slave.get()));
  const Output::Ends ends = output.open();
  EXPECT_TRUE(is_same_terminal(ends.out.get(), ends.err.get()));
  EXPECT_EQ(output.readers().size(), output.reader_count());
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    write_all(i % 2 == 0 ? ends.out.get() : ends.err.get(), std::to_string(i) + "\n");
    expected += std::to_string(i) + "\n";
  }
  EXPECT_EQ(read_until(first_.master.get(), expected.size()), expected);
  EXPECT_EQ(output.tail(), expected);
}

TEST_F(TerminalOutputTest, LosesNoOutputOfADeadBackend) {
  Relay relay(loop_, to(first_.slave.get()));
  std::string expected;
  for (int generation = 0; generation < 20; ++generation) {
    UniqueFd end = relay.open();
    const std::string line = "last words of " + std::to_string(generation) + "\n";
    write_all(end.get(), line);
    expected += line;
  }
  EXPECT_EQ(read_until(first_.master.get(), expected.size()), expected);
}

TEST_F(TerminalOutputTest, PassesLargeOutput) {
  Output output(loop_, to(first_.slave.get()), to(first_.slave.get()));
  const Output::Ends ends = output.open();
  std::string got;
  std::string sent;
  while (sent.size() < 500'000) {
    const std::string piece = std::to_string(sent.size()) + std::string(6'000, '.') + "\n";
    write_all(ends.out.get(), piece);
    sent += piece;
    got += read_until(first_.master.get(), sent.size() - got.size());
  }
  EXPECT_TRUE(got == sent);
}

TEST_F(TerminalOutputTest, LogMessageBeginsBelowAPrompt) {
  Output output(loop_, to(first_.slave.get()), to(first_.slave.get()));
  const Output::Ends ends = output.open();
  Outlet& log = to(first_.slave.get()).outlet();
  write_all(ends.out.get(), "(Pdb) ");
  EXPECT_EQ(read_until(first_.master.get(), 6), "(Pdb) ");
  log.write_line("hpp\n");
  EXPECT_EQ(read_until(first_.master.get(), 5), "\nhpp\n");
  write_all(ends.out.get(), "whole\n");
  EXPECT_EQ(read_until(first_.master.get(), 6), "whole\n");
  log.write_line("hpp\n");
  EXPECT_EQ(read_until(first_.master.get(), 4), "hpp\n");
}

TEST_F(TerminalOutputTest, KeyboardInputReachesStdin) {
  Output output(loop_, to(first_.slave.get()), to(err_.writer.get()), Output::Input::Keyboard);
  const Output::Ends ends = output.open();
  EXPECT_TRUE(is_same_terminal(ends.in.get(), ends.out.get()));
  EXPECT_FALSE(is_terminal(ends.err.get()));
  write_all(output.keyboard(), "key\n");
  char bytes[16];
  ASSERT_EQ(::read(ends.in.get(), bytes, sizeof bytes), 4);
  EXPECT_EQ(std::string(bytes, 4), "key\n");
}

TEST_F(TerminalOutputTest, CopiesTheWindowSize) {
  Output output(loop_, to(first_.slave.get()), to(err_.writer.get()));
  const Output::Ends ends = output.open();
  const winsize size{.ws_row = 24, .ws_col = 132, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(first_.master.get(), TIOCSWINSZ, &size), 0);
  output.follow_window();
  winsize got{};
  ASSERT_EQ(::ioctl(ends.out.get(), TIOCGWINSZ, &got), 0);
  EXPECT_EQ(got.ws_row, 24);
  EXPECT_EQ(got.ws_col, 132);
}

TEST_F(TerminalOutputTest, TakesOverATerminal) {
  Output output(loop_, to(first_.slave.get()), to(first_.slave.get()));
  Output::Ends ends = output.open();
  std::vector<UniqueFd> readers;
  readers.emplace_back(::dup(output.readers().front()));
  Output next(loop_, to(first_.slave.get()), to(first_.slave.get()));
  next.take_over(std::move(readers));
  output.drain();  // `output` reads nothing after this
  ends.err.reset();
  write_all(ends.out.get(), "still here");
  EXPECT_EQ(read_until(first_.master.get(), 10), "still here");
}

}  // namespace
}  // namespace hpp::supervisord
