#include "common/advice/refused_kill.h"

#include <gtest/gtest.h>

namespace hpp::advice {
namespace {

TEST(RefusedKill, NamesTheProcessesAndTheCommandThatEndsThem) {
  EXPECT_EQ(refused_kill_text("pid 12 (sudo -n ./server)", {12}),
            "pid 12 (sudo -n ./server) cannot be ended, because it belongs to another user. End it "
            "with sudo kill -9 12");
  EXPECT_EQ(refused_kill_text("pid 12 (a), pid 13 (b)", {12, 13}),
            "pid 12 (a), pid 13 (b) cannot be ended, because they belong to another user. End them "
            "with sudo kill -9 12 13");
}

}  // namespace
}  // namespace hpp::advice
