#include "supervisord/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "common/bus/messages.h"
#include "common/os/child.h"
#include "common/os/file.h"
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

// Small enough to be written whole or not at all, pipe(7).
constexpr std::size_t kPieceSize = 1000;

// Writes such pieces as long as they fit; returns how much that was.
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
    output_.emplace(loop_, out_.writer.get(), err_.writer.get());
    ends_ = output_->open();
  }

  // What has arrived at our stdout or stderr by now.
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

  Loop loop_;
  Pipe out_ = make_pipe();
  Pipe err_ = make_pipe();
  std::optional<Output> output_;
  Output::Ends ends_;
};

TEST_F(OutputTest, PassesBytesAsTheyCome) {
  write_all(ends_.out.get(), "half a li");
  EXPECT_EQ(read_until(out_.reader.get(), 9), "half a li");
  write_all(ends_.out.get(), std::string_view("ne\0\xff\n", 5));
  EXPECT_EQ(read_until(out_.reader.get(), 5), std::string("ne\0\xff\n", 5));
  write_all(ends_.err.get(), "trouble");
  EXPECT_EQ(read_until(err_.reader.get(), 7), "trouble");
  EXPECT_EQ(read_now(out_.reader.get()), "");
}

TEST_F(OutputTest, PassesMuchToAPlainFile) {
  TemporaryDirectory directory;
  const std::string path = directory / "log";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Output output(loop_, file.get(), err_.writer.get());
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

TEST_F(OutputTest, MakesTheBackendWaitWhileNobodyReadsAndLosesNothing) {
  std::size_t accepted = 0;
  // Room for our stdout's pipe, the backend's pipe and what is in between; then no more.
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

TEST_F(OutputTest, NeverMakesADescriptorOfOursNonBlocking) {
  fill(ends_.out.get());
  run_for(loop_, milliseconds(10));
  EXPECT_EQ(::fcntl(out_.writer.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(OutputTest, ASlowStdoutDoesNotHoldStderrUp) {
  fill(ends_.out.get());
  run_for(loop_, milliseconds(10));
  write_all(ends_.err.get(), "still here");
  EXPECT_EQ(read_until(err_.reader.get(), 10), "still here");
}

TEST_F(OutputTest, GoesOnWhenOurStdoutIsClosed) {
  out_.reader.reset();
  for (int i = 0; i < 100; ++i) {
    write_all(ends_.out.get(), binary(4000));
    run_for(loop_, milliseconds(1));
  }
  write_all(ends_.err.get(), "alive");
  EXPECT_EQ(read_until(err_.reader.get(), 5), "alive");
}

TEST_F(OutputTest, KeepsTheLastOfStderr) {
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

TEST_F(OutputTest, ExplainsByStdoutIfStderrIsEmpty) {
  write_all(ends_.out.get(), "usage: …");
  output_->drain();
  EXPECT_EQ(output_->tail(), "usage: …");
  write_all(ends_.err.get(), "error");
  output_->drain();
  EXPECT_EQ(output_->tail(), "error");
}

TEST_F(OutputTest, DrainsWithoutWaitingForASurvivorWhoKeepsThePipe) {
  write_all(ends_.err.get(), "last words");
  output_->drain();
  EXPECT_EQ(output_->tail(), "last words");
  EXPECT_EQ(read_now(err_.reader.get()), "last words");
  write_all(ends_.err.get(), ", and more of a child");
  EXPECT_EQ(read_until(err_.reader.get(), 21), ", and more of a child");
}

TEST_F(OutputTest, PassesWhatADeadBackendLeftBeforeTheNextOneSpeaks) {
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

TEST_F(OutputTest, TheTailIsOfTheNewestBackend) {
  write_all(ends_.err.get(), "first");
  output_->drain();
  const Output::Ends fresh = output_->open();
  EXPECT_EQ(output_->tail(), "");
}

// As after a crash: somebody else has made the pipes, and had them read.
TEST_F(OutputTest, GoesOnWithThePipesOfAnother) {
  const Pipe out = make_pipe();
  const Pipe err = make_pipe();
  write_all(err.writer.get(), "before\n");
  output_->take_over(UniqueFd(::dup(out.reader.get())), UniqueFd(::dup(err.reader.get())));
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

}  // namespace
}  // namespace hpp::supervisord
