#include "supervisord/core/port_wait.h"

#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

using State = Backend::State;
using std::chrono::milliseconds;

const TimePoint kStart{};

// Whether the wait has exactly this length.
bool lasts(const PortWait& wait, milliseconds length) {
  return !wait.is_over(kStart + length - milliseconds(1)) && wait.is_over(kStart + length);
}

TEST(PortWait, IsShortWithoutProxyd) {
  PortWait wait;
  wait.begin(State::Killing, 2, kStart);
  EXPECT_TRUE(lasts(wait, kWaitForClients));
}

TEST(PortWait, IsLongUntilProxydHasReleasedTheGeneration) {
  for (const State state : {State::Killing, State::Error}) {
    PortWait wait;
    wait.on_released(1);
    wait.begin(state, 2, kStart);
    EXPECT_TRUE(lasts(wait, kWaitForProxyd));
    wait.on_released(2);
    EXPECT_TRUE(lasts(wait, kWaitForClients)) << "what is left belongs to other clients";
  }
}

TEST(PortWait, DoesNotAwaitProxydIfItIsNotTold) {
  for (const State state : {State::Starting, State::Failing, State::Stopping}) {
    PortWait wait;
    wait.on_released(1);
    wait.begin(state, 2, kStart);
    EXPECT_TRUE(lasts(wait, kWaitForClients));
  }
}

}  // namespace
}  // namespace hpp::supervisord
