#include "common/event/loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>
#include <string>

#include "common/event/fd_watch.h"
#include "common/event/signals.h"
#include "common/event/timer.h"
#include "common/os/pipe.h"
#include "tests/support/run_until.h"

namespace hpp {
namespace {

TEST(Loop, LaterRunsActionsOnceAndInOrder) {
  Loop loop;
  std::string calls;
  loop.later([&] { calls += 'a'; });
  loop.later([&] {
    calls += 'b';
    loop.later([&] {
      calls += 'd';
      loop.stop();
    });
  });
  loop.later([&] { calls += 'c'; });
  loop.run();
  EXPECT_EQ(calls, "abcd");
}

TEST(Loop, RunReturnsAtOnceAfterAnEarlierStop) {
  Loop loop;
  bool went_on = false;
  loop.later([&] {
    went_on = true;
    loop.stop();
  });
  loop.stop();
  loop.run();
  EXPECT_FALSE(went_on);
  loop.stop();
  loop.run_eagerly();
  EXPECT_FALSE(went_on);
  loop.run();
  EXPECT_TRUE(went_on);
}

TEST(Loop, LaterRunsAfterTheCallbacksOfTheTurn) {
  Loop loop;
  Pipe first = make_pipe();
  Pipe second = make_pipe();
  std::string calls;
  const auto take = [&](Pipe& pipe, char name) {
    char byte = 0;
    EXPECT_EQ(::read(pipe.reader.get(), &byte, 1), 1);
    calls += name;
    loop.later([&calls] { calls += '!'; });
  };
  FdWatch one(loop, first.reader.get(), FdWatch::For::Reading, [&] { take(first, '1'); });
  FdWatch two(loop, second.reader.get(), FdWatch::For::Reading, [&] { take(second, '2'); });
  one.start();
  two.start();
  EXPECT_EQ(::write(first.writer.get(), "x", 1), 1);
  EXPECT_EQ(::write(second.writer.get(), "x", 1), 1);
  EXPECT_TRUE(run_until(loop, [&] { return calls.size() == 4; }));
  EXPECT_TRUE(calls == "12!!" || calls == "21!!") << calls;
}

TEST(Loop, WhenIdleRunsAfterAllReadyEvents) {
  Loop loop;
  const Pipe pipe = make_pipe();
  int left = 3;
  bool idle = false;
  FdWatch watch(loop, pipe.reader.get(), FdWatch::For::Reading, [&] {
    char byte = 0;
    EXPECT_EQ(::read(pipe.reader.get(), &byte, 1), 1);
    EXPECT_FALSE(idle);
    if (--left == 0) return;
    EXPECT_EQ(::write(pipe.writer.get(), "x", 1), 1);
  });
  watch.start();
  EXPECT_EQ(::write(pipe.writer.get(), "x", 1), 1);
  loop.when_idle([&] { idle = true; });
  EXPECT_TRUE(run_until(loop, [&] { return idle; }));
  EXPECT_EQ(left, 0);
}

TEST(Loop, WhenIdleRunsEvenIfTheLoopIsNeverIdle) {
  Loop loop;
  const Pipe pipe = make_pipe();  // never read, so always ready
  EXPECT_EQ(::write(pipe.writer.get(), "x", 1), 1);
  FdWatch watch(loop, pipe.reader.get(), FdWatch::For::Reading, [] {});
  watch.start();
  int calls = 0;
  loop.when_idle([&] {
    if (++calls == 1) loop.when_idle([&] { ++calls; });
  });
  EXPECT_TRUE(run_until(loop, [&] { return calls == 2; }));
}

struct Mourned {
  explicit Mourned(bool& is_dead) : dead(is_dead) {}

  ~Mourned() { dead = true; }

  bool& dead;
};

TEST(Loop, BuryDestroysAtTheEndOfTheTurn) {
  Loop loop;
  bool dead = false;
  bool was_dead_inside = true;
  auto object = std::make_unique<Mourned>(dead);
  loop.later([&] {
    loop.bury(std::move(object));
    was_dead_inside = dead;
  });
  EXPECT_TRUE(run_until(loop, [&] { return dead; }));
  EXPECT_FALSE(was_dead_inside);
}

TEST(Loop, DestructorDestroysBuriedObjects) {
  bool dead = false;
  {
    Loop loop;
    loop.bury(std::make_unique<Mourned>(dead));
  }
  EXPECT_TRUE(dead);
}

// Many destructors need the loop, to stop an event.
TEST(Loop, BuriedObjectsMayUseTheLoopInTheirDestructors) {
  auto loop = std::make_unique<Loop>();
  auto timer = std::make_unique<Timer>(*loop, [] {});
  timer->start(Milliseconds{1});
  loop->bury(std::move(timer));
  loop.reset();
}

TEST(FdWatch, CallsWhileTheDescriptorIsReady) {
  Loop loop;
  Pipe pipe = make_pipe();
  int calls = 0;
  FdWatch watch(loop, pipe.reader.get(), FdWatch::For::Reading, [&] { ++calls; });
  EXPECT_FALSE(watch.is_active());
  watch.start();
  EXPECT_TRUE(watch.is_active());
  EXPECT_EQ(::write(pipe.writer.get(), "x", 1), 1);
  EXPECT_TRUE(run_until(loop, [&] { return calls >= 3; }));
  watch.stop();
  const int before = calls;
  run_for(loop, Milliseconds{20});
  EXPECT_EQ(calls, before);
}

TEST(Signals, CallBackFromTheLoop) {
  Loop loop;
  std::vector<int> got;
  const Signals signals(loop, {SIGUSR1, SIGUSR2}, [&](int number) { got.push_back(number); });
  ::kill(::getpid(), SIGUSR1);
  EXPECT_TRUE(run_until(loop, [&] { return got.size() == 1; }));
  ::kill(::getpid(), SIGUSR2);
  EXPECT_TRUE(run_until(loop, [&] { return got.size() == 2; }));
  EXPECT_EQ(got, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

// Two descriptors that pass a byte back and forth, so that the loop polls.
TEST(EagerLoop, RunsCallbacksAndStops) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]);
  const UniqueFd other(ends[1]);
  int passes = 0;
  const auto pass_on = [&](int from) {
    char byte = 0;
    ASSERT_EQ(::read(from, &byte, 1), 1);
    loop.note_activity();
    if (++passes == 10'000) return loop.stop();
    ASSERT_EQ(::write(from, &byte, 1), 1);
  };
  FdWatch first(loop, one.get(), FdWatch::For::Reading, [&] { pass_on(one.get()); });
  FdWatch second(loop, other.get(), FdWatch::For::Reading, [&] { pass_on(other.get()); });
  first.start();
  second.start();
  ASSERT_EQ(::write(one.get(), "x", 1), 1);
  loop.run_eagerly();
  EXPECT_EQ(passes, 10'000);
}

TEST(EagerLoop, SleepsWithoutEvents) {
  Loop loop;
  Timer timer(loop, [&] { loop.stop(); });
  timer.start(std::chrono::milliseconds{300});
  const std::clock_t before = std::clock();  // processor time
  loop.run_eagerly();
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10);
}

}  // namespace
}  // namespace hpp
