// Tests the pause. backend_test.cc tests the other requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/supervisord/core/backend_life.h"

namespace hpp::supervisord {

std::string text_of(const Publish& effect) {
  const bus::BackendState& s = effect.snapshot;
  return fmt::format("Publish {} {} serves {} noted {}{}", bus::to_string(s.state), s.generation,
                     s.serves.revision, s.noted.revision, s.paused ? " paused" : "");
}

namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

TreeSeen tree(std::uint64_t revision, const std::string& changed = "a.py") {
  return changed_tree(revision, {changed});
}

// Generation 1 runs and serves revision 1, and hpp is paused.
BackendLife paused(const Backend::Settings& settings = {.command = {"server"}}) {
  BackendLife life(settings);
  life.after(Begun{}, TreeGone{}, tree(1));
  if (!settings.steps.empty()) life(StepEnded{});
  life.after(Spawned{.pid = 100}, Answered{.generation = 1}, PauseRequested{});
  EXPECT_EQ(life.state(), Backend::State::Running);
  EXPECT_TRUE(life.published().paused);
  return life;
}

TEST(Manual, OnlyARequestRestarts) {
  BackendLife life({.command = {"server"}, .is_manual = true});
  EXPECT_THAT(
      life(Begun{}),
      ElementsAre("Publish Loading 0 serves 0 noted 0 paused", "KillTree",
                  "Say Manual: saves do not restart your server. Run hpp-ctl restart to restart it",
                  "StartTimer 1000 ms"));
  life.after(TreeGone{}, tree(1), Spawned{.pid = 100}, Answered{.generation = 1}, tree(2));
  EXPECT_EQ(life.state(), Backend::State::Running);
  EXPECT_EQ(life.published().noted.revision, 2);
  life.after(RestartRequested{}, TreeGone{}, Spawned{.pid = 200}, Answered{.generation = 2});
  EXPECT_EQ(life.published().serves.revision, 2);
  life(tree(3));
  EXPECT_EQ(life.state(), Backend::State::Running);
  life(ResumeRequested{});
  EXPECT_EQ(life.state(), Backend::State::Killing);
}

TEST(Manual, DoesNotReturnWithATakeoverAfterResume) {
  bus::BackendState last;
  last.state = bus::BackendPhase::Running;
  last.generation = 1;
  last.command = {"server"};
  last.serves = last.seen = tree(1).tree.point();
  BackendLife life({.command = {"server"}, .is_manual = true}, last);
  life(Begun{last});
  EXPECT_FALSE(life.published().paused);
}

TEST(Pause, SavesAreOnlyNoted) {
  BackendLife life = paused();
  EXPECT_THAT(life(tree(2)),
              ElementsAre("Publish Running 1 serves 1 noted 2 paused",
                          "Say Paused: a.py changed. Your server keeps the old code until hpp-ctl "
                          "resume"));
  EXPECT_THAT(life(tree(2)), IsEmpty());
  life(tree(3));
  EXPECT_EQ(life.published().noted.revision, 3U);
  EXPECT_EQ(life.published().seen.revision, 3U);
}

TEST(Pause, ItsEndRestartsOnceForAllSaves) {
  BackendLife life = paused();
  life.after(tree(2, "b.py"), tree(3, "c.py"), tree(4, "b.py"), ResumeRequested{});
  EXPECT_EQ(life.state(), Backend::State::Killing);
  EXPECT_FALSE(life.published().paused);
  EXPECT_THAT(life.published().cause.changed, ElementsAre("b.py", "c.py"));
  EXPECT_EQ(life.published().cause.text, "b.py and 1 more changed during the pause");
  life.after(TreeGone{}, Spawned{.pid = 200});
  EXPECT_EQ(life.published().serves.revision, 4U);
  EXPECT_EQ(life.published().noted, bus::TreePoint{});
  life.after(Answered{.generation = 2}, tree(5));
  EXPECT_EQ(life.state(), Backend::State::Killing) << "saves restart the server again";
}

TEST(Pause, ItsEndWithoutASaveRestartsNothing) {
  BackendLife life = paused();
  EXPECT_THAT(life(ResumeRequested{}), ElementsAre("Publish Running 1 serves 1 noted 0",
                                                   "Say Resumed: saves restart your server again"));
  EXPECT_THAT(life(ResumeRequested{}), IsEmpty());
}

TEST(Pause, ASecondRequestChangesNothing) {
  BackendLife life = paused();
  EXPECT_THAT(life(PauseRequested{}), IsEmpty());
}

TEST(Pause, IsToggled) {
  BackendLife life = paused({.command = {"server"}, .has_keys = true});
  EXPECT_THAT(life(tree(2)),
              ElementsAre("Publish Running 1 serves 1 noted 2 paused",
                          "Say Paused: a.py changed. Your server keeps the old code until you "
                          "press p + Enter"));
  life(PauseToggled{});
  EXPECT_FALSE(life.published().paused);
  EXPECT_EQ(life.state(), Backend::State::Killing);
  life.after(TreeGone{}, Spawned{.pid = 200}, Answered{.generation = 2});
  EXPECT_THAT(life(PauseToggled{}),
              ElementsAre("Publish Running 2 serves 2 noted 0 paused",
                          "Say Paused: saves do not restart your server. Press p + Enter to go "
                          "on"));
  EXPECT_THAT(life(PauseToggled{}), ElementsAre("Publish Running 2 serves 2 noted 0",
                                                "Say Resumed: saves restart your server again"));
}

TEST(Pause, IsNotToggledDuringAStop) {
  BackendLife life = paused();
  life.after(ResumeRequested{}, StopRequested{});
  EXPECT_THAT(life(PauseToggled{}), IsEmpty());
}

TEST(Pause, ARequestedRestartServesTheNotedSavesAndLeavesThePause) {
  BackendLife life = paused();
  life.after(tree(2), RestartRequested{});
  EXPECT_EQ(life.state(), Backend::State::Killing);
  life.after(TreeGone{}, Spawned{.pid = 200}, Answered{.generation = 2});
  EXPECT_EQ(life.published().serves.revision, 2U);
  EXPECT_EQ(life.published().noted, bus::TreePoint{});
  EXPECT_TRUE(life.published().paused);
  life(tree(3));
  EXPECT_EQ(life.state(), Backend::State::Running);
  EXPECT_EQ(life.published().noted.revision, 3U);
}

TEST(Pause, ARestartThatIsUnderWayServesTheSave) {
  BackendLife life = paused();
  life.after(ResumeRequested{}, tree(2), PauseRequested{}, tree(3), TreeGone{},
             Spawned{.pid = 200});
  EXPECT_EQ(life.published().serves.revision, 3U);
  EXPECT_EQ(life.published().noted, bus::TreePoint{});
}

TEST(Pause, ASaveDoesNotStartACrashedServer) {
  BackendLife life = paused();
  life.after(exited(1), TreeGone{}, tree(2));
  EXPECT_EQ(life.state(), Backend::State::Error);
  EXPECT_EQ(life.published().noted.revision, 2U);
  EXPECT_EQ(life(ResumeRequested{}).back(), "Spawn 2");
}

TEST(Pause, ABuildBesideTheServerIsNotStartedBySaves) {
  BackendLife life =
      paused({.command = {"server"}, .steps = {build_step("make")}, .keep_last_good = true});
  life(tree(2));
  EXPECT_EQ(life.state(), Backend::State::Running);
  life(ResumeRequested{});
  EXPECT_EQ(life.state(), Backend::State::Rebuilding);
  EXPECT_EQ(life.published().noted, bus::TreePoint{}) << "requests wait for the build";
}

TEST(Pause, TheFirstStartDoesNotWaitForItsEnd) {
  BackendLife life;
  life.after(Begun{}, PauseRequested{}, TreeGone{});
  EXPECT_EQ(life(tree(1)).back(), "Spawn 1");
}

TEST(Pause, SurvivesACrashOfSupervisord) {
  BackendLife before = paused();
  before(tree(2));
  BackendLife life({.command = {"server"}}, before.published());
  life(Begun{.last = before.published()});
  EXPECT_EQ(life.state(), Backend::State::Running) << "the noted save is no rebuild";
  life(tree(2));
  EXPECT_TRUE(life.published().paused);
  life(ResumeRequested{});
  EXPECT_EQ(life.published().cause.text, "files changed during the pause");
  EXPECT_EQ(life.state(), Backend::State::Killing);
}

TEST(Pause, SurvivesACrashOfSupervisordAfterACrashOfTheServer) {
  BackendLife before = paused();
  before.after(exited(1), TreeGone{}, tree(2));
  BackendLife life({.command = {"server"}}, before.published());
  life.after(Begun{.last = before.published()}, TreeGone{});
  EXPECT_EQ(life.state(), Backend::State::Error);
  EXPECT_TRUE(life.published().paused);
}

TEST(Pause, SurvivesACrashOfSupervisordAndTheServer) {
  BackendLife before = paused();
  BackendLife life({.command = {"server"}}, before.published());
  life.after(Begun{}, TreeGone{}, tree(1), Spawned{.pid = 200}, Answered{.generation = 2}, tree(2));
  EXPECT_EQ(life.published().noted.revision, 2U);
}

TEST(Pause, DoesNotSurviveAStop) {
  BackendLife life = paused();
  life.after(StopRequested{}, TreeGone{});
  EXPECT_EQ(life.state(), Backend::State::Left);
  EXPECT_FALSE(life.published().paused);
}

TEST(RequestsOfBrowsers, AreFollowedOnce) {
  BackendLife life = paused();
  const auto ticket = [](std::uint64_t number) {
    return bus::Ticket{.epoch = 5, .number = number};
  };
  life(ResumeRequested{ticket(1)});
  EXPECT_FALSE(life.published().paused);
  EXPECT_EQ(life.published().pause_accepted, ticket(1));
  life(PauseRequested{ticket(2)});
  EXPECT_TRUE(life.published().paused);
  life(ResumeRequested{});
  EXPECT_FALSE(life.published().paused) << "hpp-ctl resume";
  EXPECT_THAT(life(PauseRequested{ticket(2)}), IsEmpty()) << "the message is repeated";
  life(PauseRequested{ticket(3)});
  EXPECT_TRUE(life.published().paused);
}

TEST(RequestsOfBrowsers, AreFollowedOnceEvenIfTheNextSupervisordFindsNoServer) {
  const bus::Ticket ticket{.epoch = 5, .number = 1};
  BackendLife before = paused();
  before.after(PauseRequested{}, ResumeRequested{}, PauseRequested{ticket},
               RestartRequested{ticket}, ResumeRequested{});
  BackendLife life({.command = {"server"}}, before.published());
  life.after(Begun{}, PauseRequested{ticket});
  EXPECT_FALSE(life.published().paused);
  life(RestartRequested{ticket});
  EXPECT_EQ(life.published().restarts_asked, 0U);
}

}  // namespace
}  // namespace hpp::supervisord
