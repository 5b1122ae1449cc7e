#include "launch/key_mode.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/os/terminal.h"

namespace hpp::launch {
namespace {

class KeyModeTest : public testing::Test {
 protected:
  termios modes() const {
    termios now{};
    EXPECT_EQ(::tcgetattr(terminal_.slave.get(), &now), 0);
    return now;
  }

  Pty terminal_ = make_pty(-1);
  int fd_ = terminal_.slave.get();
  termios before_ = modes();
};

TEST_F(KeyModeTest, DisablesEchoAndAllSpecialKeysButTwo) {
  KeyMode mode;
  EXPECT_TRUE(mode.set(fd_));
  EXPECT_FALSE(mode.set(fd_)) << "it is set";
  const termios now = modes();
  EXPECT_EQ(now.c_lflag & (ECHO | ICANON | IEXTEN), 0U);
  EXPECT_EQ(now.c_iflag & (ICRNL | IXON), 0U);
  EXPECT_NE(now.c_lflag & ISIG, 0U);
  EXPECT_EQ(now.c_cc[VINTR], before_.c_cc[VINTR]);
  EXPECT_EQ(now.c_cc[VSUSP], before_.c_cc[VSUSP]);
  EXPECT_EQ(now.c_cc[VQUIT], _POSIX_VDISABLE);
  EXPECT_EQ(now.c_oflag, before_.c_oflag) << "the output is ours, too";
}

TEST_F(KeyModeTest, KeepsSpecialKeysForHpp) {
  KeyMode mode;
  EXPECT_TRUE(mode.set(fd_, KeyMode::Reader::Hpp));
  const termios now = modes();
  EXPECT_EQ(now.c_lflag & (ECHO | ICANON), 0U);
  EXPECT_EQ(now.c_lflag & ISIG, before_.c_lflag & ISIG);
  EXPECT_EQ(now.c_iflag, before_.c_iflag)
      << "Enter is still a newline, and Ctrl+S stops the output";
  EXPECT_EQ(now.c_cc[VQUIT], before_.c_cc[VQUIT]);
  mode.restore(fd_);
  EXPECT_EQ(modes().c_lflag, before_.c_lflag);
}

TEST_F(KeyModeTest, RestoresThePreviousMode) {
  KeyMode mode;
  mode.restore(fd_);
  mode.set(fd_);
  KeyMode copy = mode;  // the guard works on a copy, too
  copy.restore(fd_);
  EXPECT_EQ(modes().c_lflag, before_.c_lflag);
  EXPECT_EQ(modes().c_iflag, before_.c_iflag);
  EXPECT_EQ(modes().c_cc[VQUIT], before_.c_cc[VQUIT]);
}

TEST_F(KeyModeTest, DoesNotRestoreOverAnotherProgramsMode) {
  KeyMode mode;
  mode.set(fd_);
  termios shells = modes();
  shells.c_lflag |= ECHO;
  ASSERT_EQ(::tcsetattr(fd_, TCSANOW, &shells), 0);
  mode.restore(fd_);
  EXPECT_EQ(modes().c_lflag, shells.c_lflag);
}

TEST_F(KeyModeTest, CanBeSetAgainAfterARestore) {
  KeyMode mode;
  mode.set(fd_);
  mode.restore(fd_);
  EXPECT_TRUE(mode.set(fd_));
  mode.restore(fd_);
  EXPECT_EQ(modes().c_lflag, before_.c_lflag);
}

TEST_F(KeyModeTest, DoesNothingWithoutATerminal) {
  KeyMode mode;
  EXPECT_FALSE(mode.set(-1));
  mode.restore(-1);
}

}  // namespace
}  // namespace hpp::launch
