#include "supervisord/input.h"

#include <gtest/gtest.h>
#include <termios.h>
#include <unistd.h>

#include <string>

#include "common/os/pipe.h"
#include "common/os/terminal.h"
#include "tests/support/run_until.h"

namespace hpp::supervisord {
namespace {

class InputTest : public testing::Test {
 protected:
  InputTest() { lead_to(backend_); }

  // Makes the backend's terminal raw, so that the backend reads each byte at once, without echo.
  void lead_to(const Pty& backend) {
    termios modes{};
    ASSERT_EQ(::tcgetattr(backend.slave.get(), &modes), 0);
    ::cfmakeraw(&modes);
    ASSERT_EQ(::tcsetattr(backend.slave.get(), TCSANOW, &modes), 0);
    set_nonblocking(backend.master.get());
    set_nonblocking(backend.slave.get());
    input_.lead_to(backend.master.get());
  }

  void type(std::string_view keys) {
    ASSERT_EQ(::write(keys_.writer.get(), keys.data(), keys.size()),
              static_cast<ssize_t>(keys.size()));
  }

  std::string read_until(const Pty& backend, std::size_t size) {
    std::string all;
    run_until(loop_, [&] {
      char bytes[4096];
      const ssize_t got = ::read(backend.slave.get(), bytes, sizeof bytes);
      if (got > 0) all.append(bytes, static_cast<std::size_t>(got));
      return all.size() >= size;
    });
    return all;
  }

  Loop loop_;
  Pipe keys_ = make_pipe();
  Pty backend_ = make_pty(-1);
  Input input_{loop_, keys_.reader.get()};
};

TEST_F(InputTest, PassesKeysOnWithoutDelay) {
  type("a");
  EXPECT_EQ(read_until(backend_, 1), "a");
  type(std::string_view("\0\x1b[A\xff", 5));
  EXPECT_EQ(read_until(backend_, 5), std::string("\0\x1b[A\xff", 5));
}

TEST_F(InputTest, KeepsKeysWaitingWhileTheBackendDoesNotRead) {
  set_nonblocking(keys_.writer.get());
  std::string typed;
  const auto is_full = [&] {
    const std::string line = std::to_string(typed.size()) + "\n";
    const ssize_t written = ::write(keys_.writer.get(), line.data(), line.size());
    if (written < 0) return true;
    typed += line.substr(0, static_cast<std::size_t>(written));
    return false;
  };
  int times_full = 0;
  // Accepts as much as the pipe and the terminal can hold, and no more.
  while (times_full < 20) {
    if (!is_full()) continue;
    ++times_full;
    run_for(loop_, std::chrono::milliseconds(2));
  }
  EXPECT_LT(typed.size(), 200'000U);
  EXPECT_TRUE(read_until(backend_, typed.size()) == typed);
}

TEST_F(InputTest, PassesKeysToTheCurrentBackend) {
  const Pty next = make_pty(-1);
  type("first");
  EXPECT_EQ(read_until(backend_, 5), "first");
  lead_to(next);
  type("second");
  EXPECT_EQ(read_until(next, 6), "second");
}

TEST_F(InputTest, DropsKeysForADeadBackend) {
  backend_.slave.reset();
  type("nobody");
  run_for(loop_, std::chrono::milliseconds(20));
  const Pty next = make_pty(-1);
  lead_to(next);
  type("somebody");
  EXPECT_EQ(read_until(next, 8), "somebody");
}

}  // namespace
}  // namespace hpp::supervisord
