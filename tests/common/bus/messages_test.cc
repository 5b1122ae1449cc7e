#include "common/bus/messages.h"

#include <gtest/gtest.h>

namespace hpp::bus {
namespace {

TEST(BackendExitText, SaysHowItEnded) {
  EXPECT_EQ(to_string(BackendExit{.code = 3}), "ended with exit code 3");
  EXPECT_EQ(to_string(BackendExit{.code = 0}), "ended with exit code 0");
  EXPECT_EQ(to_string(BackendExit{.signal = 11}), "was killed by signal 11 (Segmentation fault)");
  EXPECT_EQ(to_string(BackendExit{.spawn_error = "no x"}), "cannot be started: no x");
  EXPECT_EQ(to_string(BackendExit{}), "ended; its exit status is unknown");
}

}  // namespace
}  // namespace hpp::bus
