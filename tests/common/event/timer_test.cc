#include "common/event/timer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/run_until.h"

namespace hpp {
namespace {

TEST(Timer, ExpiresOnceAndNotBeforeItsTime) {
  Loop loop;
  int calls = 0;
  const auto begun = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration after{};
  Timer timer(loop, [&] {
    ++calls;
    after = std::chrono::steady_clock::now() - begun;
  });
  EXPECT_FALSE(timer.is_active());
  timer.start(Milliseconds{30});
  EXPECT_TRUE(timer.is_active());
  EXPECT_TRUE(run_until(loop, [&] { return calls > 0; }));
  EXPECT_GE(after, Milliseconds{25}) << "a coarse timer may be one tick early";
  EXPECT_FALSE(timer.is_active());
  run_for(loop, Milliseconds{100});
  EXPECT_EQ(calls, 1);
}

TEST(Timer, ASecondStartReplacesTheDeadline) {
  Loop loop;
  std::string calls;
  Timer moved(loop, [&] { calls += 'm'; });
  Timer other(loop, [&] { calls += 'o'; });
  moved.start(Milliseconds{5});
  other.start(Milliseconds{50});
  moved.start(Milliseconds{150});
  EXPECT_TRUE(run_until(loop, [&] { return calls.size() == 2; }));
  EXPECT_EQ(calls, "om");
}

TEST(Timer, StopCancelsTheCall) {
  Loop loop;
  int calls = 0;
  Timer timer(loop, [&] { ++calls; });
  timer.start(Milliseconds{5});
  timer.stop();
  EXPECT_FALSE(timer.is_active());
  run_for(loop, Milliseconds{30});
  EXPECT_EQ(calls, 0);
}

TEST(Timer, DestructorCancelsTheCall) {
  Loop loop;
  int calls = 0;
  auto timer = std::make_unique<Timer>(loop, [&] { ++calls; });
  timer->start(Milliseconds{5});
  timer.reset();
  run_for(loop, Milliseconds{30});
  EXPECT_EQ(calls, 0);
}

TEST(Timer, ADelayOfZeroExpiresAtOnce) {
  Loop loop;
  int calls = 0;
  Timer timer(loop, [&] { ++calls; });
  for (const int us : {0, -1, -1'000'000}) {
    const int before = calls;
    timer.start(std::chrono::microseconds{us});
    EXPECT_TRUE(run_until(loop, [&] { return calls == before + 1; })) << us;
  }
}

TEST(Timer, MayStartItselfAgain) {
  Loop loop;
  int calls = 0;
  Timer* self = nullptr;
  Timer timer(loop, [&] {
    if (++calls < 5) self->start(Milliseconds{1});
  });
  self = &timer;
  timer.start(Milliseconds{1});
  EXPECT_TRUE(run_until(loop, [&] { return calls == 5; }));
}

TEST(Timer, IsPreciseInAPreciseLoop) {
  Loop loop(Loop::Timers::Precise);
  int calls = 0;
  Timer timer(loop, [&] { ++calls; });
  timer.start(std::chrono::microseconds{200});
  EXPECT_TRUE(run_until(loop, [&] { return calls == 1; }));
}

}  // namespace
}  // namespace hpp
