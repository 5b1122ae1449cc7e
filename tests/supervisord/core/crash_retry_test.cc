#include "supervisord/core/crash_retry.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/supervisord/core/backend_life.h"

namespace hpp::supervisord {

std::string text_of(const Publish& effect) {
  return fmt::format("Publish {}", bus::to_string(effect.snapshot.state));
}

std::string text_of(const StartTimer& effect) {
  return fmt::format("StartTimer {}", effect.after.count());
}

namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr TimePoint kBegin{std::chrono::hours(1)};

// ---- the rule -----------------------------------------------------------------------------------

TEST(CrashRetry, IsOffByDefault) {
  CrashRetry retry(0);
  EXPECT_EQ(retry.on_crash(kBegin), bus::Retry{});
  EXPECT_EQ(to_string(retry.on_crash(kBegin)), "");
}

TEST(CrashRetry, PausesGrowUntilItGivesUp) {
  CrashRetry retry(4);
  for (const char* const text : {"trying again in 1 s (1 of 4)", "trying again in 2 s (2 of 4)",
                                 "trying again in 5 s (3 of 4)", "trying again in 5 s (4 of 4)",
                                 "gave up after 4 tries", "gave up after 4 tries"}) {
    EXPECT_EQ(to_string(retry.on_crash(kBegin)), text);
  }
}

TEST(CrashRetry, ACrashBeforeTheFirstAnswerAfterAChangeIsTheChangesFault) {
  CrashRetry retry(3);
  retry.on_change();
  EXPECT_EQ(retry.on_crash(kBegin).pause_ms, 0);
  retry.on_request();
  EXPECT_EQ(retry.on_crash(kBegin).pause_ms, 0) << "it is still the same change";
  retry.on_answer(kBegin);
  EXPECT_EQ(retry.on_crash(kBegin).pause_ms, 1'000);
  EXPECT_EQ(retry.on_crash(kBegin).pause_ms, 2'000) << "the start followed no change";
}

TEST(CrashRetry, ABackendThatHasRunForLongBeginsANewRow) {
  CrashRetry retry(2);
  retry.on_answer(kBegin);
  EXPECT_EQ(retry.on_crash(kBegin + kCrashForgotten - milliseconds(1)).tries, 1U);
  retry.on_answer(kBegin);
  EXPECT_EQ(retry.on_crash(kBegin + kCrashForgotten - milliseconds(1)).tries, 2U);
  retry.on_answer(kBegin);
  EXPECT_EQ(retry.on_crash(kBegin + kCrashForgotten).tries, 1U);
}

TEST(CrashRetry, AChangeAndARequestBeginANewRow) {
  CrashRetry retry(1);
  EXPECT_EQ(retry.on_crash(kBegin).tries, 1U);
  EXPECT_EQ(retry.on_crash(kBegin).pause_ms, 0);
  retry.on_request();
  EXPECT_EQ(retry.on_crash(kBegin).pause_ms, 1'000);
  retry.on_change();
  retry.on_answer(kBegin);
  EXPECT_EQ(retry.on_crash(kBegin).pause_ms, 1'000);
}

TEST(CrashRetry, ContinuesAfterACrashOfSupervisord) {
  bus::BackendState last{.state = bus::BackendPhase::Running};
  last.cause.changed = {"a.py"};
  last.retry = {.tries = 1, .most = 3};
  const auto resumed = [&](milliseconds age) {
    CrashRetry retry(3);
    retry.resume(last, kBegin, age);
    return retry.on_crash(kBegin).tries;
  };
  EXPECT_EQ(resumed(milliseconds(10)), 2U);
  EXPECT_EQ(resumed(kCrashForgotten), 1U);
  last.state = bus::BackendPhase::Loading;
  EXPECT_EQ(resumed(milliseconds(10)), 1U) << "the change is not answered yet";
  last.cause.changed.clear();
  EXPECT_EQ(resumed(milliseconds(10)), 2U);
}

// ---- in the life of a backend -------------------------------------------------------------------

TreeSeen tree(std::uint64_t revision) {
  return changed_tree(revision, {"a.py"});
}

BackendLife retried() {
  return BackendLife({.command = {"server"}, .retries = 2});
}

BackendLife running() {
  BackendLife life = retried();
  life.after(Begun{}, TreeGone{}, tree(1), Spawned{.pid = 100}, Answered{.generation = 1});
  return life;
}

TEST(RetriedBackend, IsStartedAgainWhenItsProcessesAreGoneAndThePauseIsOver) {
  BackendLife life = running();
  life(exited(1));
  EXPECT_EQ(life.state(), Backend::State::Error);
  EXPECT_EQ(to_string(life.published().retry), "trying again in 1 s (1 of 2)");
  const Brief brief = *life.all<Say>().front().brief;
  EXPECT_EQ(brief.headword + brief.text, "crashed (exit 1); trying again in 1 s (1 of 2)");
  EXPECT_EQ(brief.advice, "");
  EXPECT_THAT(life.all<StartTimer>(), IsEmpty()) << "processes may be left";
  EXPECT_THAT(life(TimerExpired{}), IsEmpty());
  life(TreeGone{});
  EXPECT_EQ(life.all<StartTimer>(), std::vector{StartTimer{milliseconds(1'000)}});
  life(TimerExpired{});
  EXPECT_EQ(life.all<Spawn>(), std::vector{Spawn{2}});
  life(Spawned{.pid = 200});
  EXPECT_EQ(life.published().cause.text, "try 1 of 2 after a crash");
  EXPECT_EQ(life.published().retry, (bus::Retry{.tries = 1, .most = 2}));
}

TEST(RetriedBackend, GivesUp) {
  BackendLife life = running();
  for (const std::uint64_t generation : {1, 2}) {
    life.after(exited(generation), TreeGone{}, TimerExpired{}, Spawned{.pid = 200});
  }
  life(exited(3));
  const Say said = life.all<Say>().front();
  EXPECT_THAT(said.text, HasSubstr("; gave up after 2 tries; waiting for a change"));
  EXPECT_EQ(said.brief->text, " (exit 1); gave up after 2 tries");
  EXPECT_THAT(said.brief->advice, HasSubstr("save a fix"));
  EXPECT_THAT(life(TreeGone{}), IsEmpty());
  life.after(tree(2), Spawned{.pid = 300}, Answered{.generation = 4});
  life(exited(4));
  EXPECT_EQ(life.published().retry.tries, 1U) << "a change begins a new row";
}

TEST(RetriedBackend, IsNotStartedAgainIfItEndsInOrder) {
  BackendLife life = running();
  life(ProcessExited{.generation = 1, .status = {.number = 0}, .output_tail = ""});
  EXPECT_EQ(life.published().retry, bus::Retry{});
  EXPECT_THAT(life(TreeGone{}), IsEmpty());
}

TEST(RetriedBackend, IsStartedAtOnceByAChangeInThePause) {
  BackendLife life = running();
  life.after(exited(1), TreeGone{});
  life(tree(2));
  EXPECT_EQ(life.all<Spawn>(), std::vector{Spawn{2}});
  life(Spawned{.pid = 200});
  EXPECT_THAT(life(TimerExpired{}), IsEmpty());
  EXPECT_EQ(life.published().retry, bus::Retry{});
}

TEST(RetriedBackend, IsNotStartedWithAChangeThatIsOnlyNoted) {
  BackendLife life = running();
  life.after(PauseRequested{}, exited(1), TreeGone{}, tree(2));
  EXPECT_EQ(life.published().retry, bus::Retry{});
  EXPECT_THAT(life(TimerExpired{}), IsEmpty());
  EXPECT_EQ(life.state(), Backend::State::Error);
}

TEST(RetriedBackend, IsStartedByTheNextSupervisord) {
  BackendLife life = running();
  life(exited(1));
  BackendLife next = retried();
  next.after(Begun{.last = life.published()}, TreeGone{});
  EXPECT_EQ(next.all<StartTimer>(), std::vector{StartTimer{milliseconds(1'000)}});
  next(TimerExpired{});
  EXPECT_EQ(next.all<Spawn>(), std::vector{Spawn{2}});
  next.after(Spawned{.pid = 200}, exited(2));
  EXPECT_EQ(next.published().retry.tries, 2U);
}

}  // namespace
}  // namespace hpp::supervisord
