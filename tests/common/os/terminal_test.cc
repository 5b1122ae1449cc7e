#include "common/os/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/os/pipe.h"

namespace hpp {
namespace {

std::string read_once(int fd) {
  char bytes[1024];
  const ssize_t got = ::read(fd, bytes, sizeof bytes);
  return got < 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(got));
}

TEST(Terminal, IsRecognised) {
  const Pipe pipe = make_pipe();
  const Pty pty = make_pty(pipe.reader.get());
  EXPECT_TRUE(is_terminal(pty.slave.get()));
  EXPECT_FALSE(is_terminal(pipe.writer.get()));
  EXPECT_FALSE(is_terminal(-1));
}

TEST(Terminal, IsSameTerminalComparesDevices) {
  const Pipe pipe = make_pipe();
  const Pty one = make_pty(-1);
  const Pty other = make_pty(-1);
  const UniqueFd again(::dup(one.slave.get()));
  EXPECT_TRUE(is_same_terminal(one.slave.get(), again.get()));
  EXPECT_FALSE(is_same_terminal(one.slave.get(), other.slave.get()));
  EXPECT_FALSE(is_same_terminal(one.slave.get(), pipe.writer.get()));
  EXPECT_FALSE(is_same_terminal(pipe.writer.get(), pipe.writer.get())) << "no terminal at all";
}

TEST(Terminal, ChangesNoByteOfTheOutput) {
  const Pty pty = make_pty(-1);
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  ASSERT_EQ(::write(pty.slave.get(), all.data(), all.size()), 256);
  std::string got;
  while (got.size() < all.size()) got += read_once(pty.master.get());
  EXPECT_EQ(got, all);
}

TEST(Terminal, ReadFailsWithEioAfterTheLastByte) {
  Pty pty = make_pty(-1);
  ASSERT_EQ(::write(pty.slave.get(), "bye", 3), 3);
  pty.slave.reset();
  EXPECT_EQ(read_once(pty.master.get()), "bye");
  char byte = 0;
  EXPECT_EQ(::read(pty.master.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EIO);
}

TEST(Terminal, HasTheWindowSizeAndTheKeysOfAnother) {
  const Pty user = make_pty(-1);
  const winsize size{.ws_row = 33, .ws_col = 101, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(user.slave.get(), TIOCSWINSZ, &size), 0);
  termios modes{};
  ASSERT_EQ(::tcgetattr(user.slave.get(), &modes), 0);
  modes.c_cc[VERASE] = '\b';
  modes.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
  ASSERT_EQ(::tcsetattr(user.slave.get(), TCSANOW, &modes), 0);

  const Pty pty = make_pty(user.slave.get());
  winsize got{};
  ASSERT_EQ(::ioctl(pty.slave.get(), TIOCGWINSZ, &got), 0);
  EXPECT_EQ(got.ws_row, 33);
  EXPECT_EQ(got.ws_col, 101);
  ASSERT_EQ(::tcgetattr(pty.slave.get(), &modes), 0);
  EXPECT_EQ(modes.c_cc[VERASE], '\b');
  EXPECT_NE(modes.c_lflag & ICANON, 0U) << "the current mode of the user's terminal is not copied";
}

}  // namespace
}  // namespace hpp
