#include "common/exit_status.h"

#include <gtest/gtest.h>

#include <csignal>

namespace hpp {
namespace {

TEST(ExitStatus, ToStringDescribesIt) {
  EXPECT_EQ(to_string({.by_signal = false, .number = 0}), "exit code 0");
  EXPECT_EQ(to_string({.by_signal = false, .number = 255}), "exit code 255");
  EXPECT_EQ(to_string({.by_signal = true, .number = SIGKILL}), "signal 9 (Killed)");
  EXPECT_EQ(to_string({.by_signal = true, .number = SIGSEGV}), "signal 11 (Segmentation fault)");
  EXPECT_EQ(to_string({.by_signal = true, .number = 40}), "signal 40");
}

}  // namespace
}  // namespace hpp
