#include "common/event/deferred_call.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/support/run_until.h"

namespace hpp {
namespace {

TEST(DeferredCall, IsMadeOnceAtTheEndOfTheTurn) {
  Loop loop;
  std::string calls;
  DeferredCall call(loop, [&] { calls += 'd'; });
  loop.later([&] {
    call.start();
    call.start();
    calls += '1';
  });
  loop.later([&] { calls += '2'; });
  run_for(loop, Milliseconds{20});
  EXPECT_EQ(calls, "12d");
}

TEST(DeferredCall, CanStartItselfAgain) {
  Loop loop;
  int calls = 0;
  std::optional<DeferredCall> call;
  call.emplace(loop, [&] {
    if (++calls < 3) call->start();
  });
  call->start();
  run_for(loop, Milliseconds{20});
  EXPECT_EQ(calls, 3);
}

TEST(DeferredCall, IsNotMadeAfterCancel) {
  Loop loop;
  int calls = 0;
  DeferredCall call(loop, [&] { ++calls; });
  call.start();
  call.cancel();
  run_for(loop, Milliseconds{20});
  EXPECT_EQ(calls, 0);
  call.start();
  EXPECT_TRUE(run_until(loop, [&] { return calls == 1; }));
}

// Both calls are due in one turn, and the first one destroys the owner of the second.
TEST(DeferredCall, IsNotMadeAfterItsOwnerIsDestroyed) {
  Loop loop;
  bool was_called = false;
  std::optional<DeferredCall> call;
  call.emplace(loop, [&] { was_called = true; });
  DeferredCall end(loop, [&] { call.reset(); });
  end.start();
  call->start();
  run_for(loop, Milliseconds{20});
  EXPECT_FALSE(was_called);
  EXPECT_FALSE(call.has_value());
}

}  // namespace
}  // namespace hpp
