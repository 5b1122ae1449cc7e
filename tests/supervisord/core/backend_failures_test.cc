// Tests how failures are held back. backend_test.cc tests the failures themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervisord/core/wording.h"
#include "tests/supervisord/core/backend_life.h"

namespace hpp::supervisord {

std::string text_of(const Publish& effect) {
  const bus::BackendState& s = effect.snapshot;
  return fmt::format("Publish {} {} serves {} seen {}", bus::to_string(s.state), s.generation,
                     s.serves.revision, s.seen.revision);
}

namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Each change is one of the same file.
TreeSeen tree(std::uint64_t revision) {
  return changed_tree(revision, {"db"});
}

StepEnded built(int code) {
  return {.status = {.number = code}, .problem = {}, .output_tail = ""};
}

// Four starts in a row were ended by a change of the same file. The spawn of generation 5, which is
// due, is an experiment.
BackendLife suspected() {
  BackendLife life;
  life.after(Begun{}, TreeGone{}, tree(1), Spawned{.pid = 100}, Answered{.generation = 1});
  life.after(tree(2), TreeGone{});
  for (std::uint64_t revision = 3; revision < 6; ++revision) {
    life.after(Spawned{.pid = 100}, exited(revision - 1), TreeGone{}, tree(revision));
  }
  EXPECT_EQ(life.state(), Backend::State::Waiting);
  life(TimerExpired{}, milliseconds(1'000));
  return life;
}

TEST(HeldFailure, IsReportedAfterTheHold) {
  BackendLife life = suspected();
  life(Spawned{.pid = 100});
  EXPECT_THAT(life(exited(5)),
              ElementsAre("StopProbe", "KillTree", StartsWith("Publish Loading 5 serves"),
                          StartsWith("StartTimer")));
  EXPECT_EQ(life.state(), Backend::State::Failing);
  EXPECT_EQ(life.published().delay, kHeldFailureText);
  EXPECT_THAT(life(TreeGone{}), IsEmpty());
  EXPECT_THAT(life(TimerExpired{}, milliseconds(300)),
              ElementsAre(StartsWith("Publish Error 5"), HasSubstr("exit code 1 after 10 ms")));
  EXPECT_EQ(life.published().ended_at_ms, life.wall_ms() - 310) << "the time of the failure";
}

// The server has written the file before it failed.
TEST(HeldFailure, IsReportedAtAChangeForTheFilesBeforeIt) {
  BackendLife life = suspected();
  life.after(Spawned{.pid = 100}, exited(5), TreeGone{});
  EXPECT_THAT(life(tree(6)), AllOf(Contains(HasSubstr("Publish Error 5 serves 5 seen 5")),
                                   Contains(HasSubstr("exit code 1")),
                                   Contains(HasSubstr("Publish Loading 6 serves 6"))));
  EXPECT_EQ(life.state(), Backend::State::Waiting);
}

TEST(HeldFailure, IsReportedAtARequest) {
  BackendLife life = suspected();
  life.after(Spawned{.pid = 100}, exited(5), TreeGone{});
  EXPECT_THAT(life(RestartRequested{}),
              AllOf(Contains(StartsWith("Publish Error 5")), Contains("Spawn 6")));
  EXPECT_EQ(life.published().restarts_done, 0) << "the failure is not the outcome of the request";
}

TEST(HeldFailure, IsReportedAtAStop) {
  BackendLife life = suspected();
  life.after(Spawned{.pid = 100}, exited(5), TreeGone{});
  EXPECT_THAT(life(StopRequested{}),
              AllOf(Contains(StartsWith("Publish Error 5")), Contains("Leave")));
}

TEST(HeldFailure, IsReportedIfAProcessCannotBeKilled) {
  BackendLife life = suspected();
  life.after(Spawned{.pid = 100}, exited(5));
  life(KillRefused{.pids = {7}, .who = "pid 7 (sudo x)"});
  EXPECT_EQ(life.state(), Backend::State::Error);
  EXPECT_THAT(life.published().problem, HasSubstr("pid 7 (sudo x) cannot be ended"));
  EXPECT_THAT(life(TimerExpired{}), IsEmpty());
}

TEST(HeldFailure, OfASpawnIsFollowedByRetries) {
  BackendLife life = suspected();
  life(SpawnFailed{"Permission denied"});
  EXPECT_EQ(life.state(), Backend::State::Failing);
  EXPECT_THAT(life(TimerExpired{}), ElementsAre(StartsWith("Publish Error 5"),
                                                HasSubstr("cannot start"), "StartTimer 500 ms"));
  EXPECT_THAT(life(TimerExpired{}), ElementsAre("Spawn 5"));
}

// The old server runs on. Its requests wait until the failure of the build is reported.
TEST(HeldFailure, OfABuildKeepsTheOldServerRunning) {
  BackendLife life(
      {.command = {"server"}, .steps = {build_step("make all")}, .keep_last_good = true});
  life.after(Begun{}, TreeGone{}, tree(1), built(0), Spawned{.pid = 100},
             Answered{.generation = 1});
  life(tree(2));
  for (std::uint64_t revision = 3; revision < 6; ++revision) {
    life.after(built(2), tree(revision));
  }
  EXPECT_THAT(life.published().delay, HasSubstr("db changes after each start"));
  life(TimerExpired{}, milliseconds(1'000));
  EXPECT_THAT(life(built(2)), ElementsAre(StartsWith("Publish Running"), StartsWith("StartTimer")));
  EXPECT_EQ(life.published().serves.revision, 4) << "requests after the change wait";
  EXPECT_EQ(life.published().delay, kHeldFailureText);
  BackendLife changed = life;
  changed(tree(6));
  EXPECT_EQ(changed.state(), Backend::State::Rebuilding);
  EXPECT_THAT(changed.published().delay, HasSubstr("db changes after each start"));
  EXPECT_THAT(life(TimerExpired{}), Contains(HasSubstr("make all failed")));
  EXPECT_EQ(life.published().serves.revision, 5);
  EXPECT_EQ(life.published().delay, "");
  EXPECT_EQ(life.state(), Backend::State::Running);
}

}  // namespace
}  // namespace hpp::supervisord
