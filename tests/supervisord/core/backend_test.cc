#include "supervisord/core/backend.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "supervisord/core/wording.h"
#include "tests/supervisord/core/backend_life.h"

namespace hpp::supervisord {

// `Publish Running 2 pid 200 serves 7:2 seen 7:2`; members that are not set are left out.
std::string text_of(const Publish& effect) {
  const bus::BackendState& s = effect.snapshot;
  std::string text = fmt::format("Publish {} {}", bus::to_string(s.state), s.generation);
  const auto point = [&](const char* name, const bus::TreePoint& p) {
    if (p.epoch != 0) text += fmt::format(" {} {}:{}", name, p.epoch, p.revision);
  };
  if (s.pid != 0) text += fmt::format(" pid {}", s.pid);
  point("serves", s.serves);
  point("seen", s.seen);
  if (s.exit && s.exit->code) text += fmt::format(" code {}", *s.exit->code);
  if (s.exit && s.exit->signal) text += fmt::format(" signal {}", *s.exit->signal);
  if (s.exit && !s.exit->spawn_error.empty()) {
    text += fmt::format(" spawn '{}'", s.exit->spawn_error);
  }
  if (!s.output_tail.empty()) text += fmt::format(" tail '{}'", s.output_tail);
  if (!s.problem.empty()) text += fmt::format(" problem '{}'", s.problem);
  if (!s.delay.empty()) text += fmt::format(" delay '{}'", s.delay);
  if (!s.address.empty()) text += " at " + s.address;
  if (!s.stranger.empty()) text += fmt::format(" by '{}'", s.stranger);
  return text;
}

std::string text_of(const AwaitAnnouncement& effect) {
  return fmt::format("AwaitAnnouncement {}", effect.generation);
}

namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

TreeSeen tree(std::uint64_t revision, std::vector<std::string> changed = {"src/a.py"},
              std::uint64_t epoch = kEpoch) {
  return changed_tree(revision, std::move(changed), epoch);
}

TreeSeen blind(TreeSeen event) {
  event.tree.watching = false;
  return event;
}

// The changed files no longer exist, so watchd counts them, but does not name them.
TreeSeen nameless(TreeSeen event) {
  event.tree.changed.clear();
  return event;
}

// A backend's life: its events, by default 10 ms apart.
class Life : public BackendLife {
 public:
  explicit Life(std::uint64_t spawns = 0) : Life({.command = {"python3", "app.py"}}, spawns) {}

  explicit Life(const Backend::Settings& settings, std::uint64_t spawns = 0)
      : BackendLife(settings, {.generation = spawns}) {}

  // The log lines that begin a restart, among the last event's effects.
  std::vector<std::string> first_lines() const {
    std::vector<std::string> lines;
    for (const Say& say : all<Say>()) {
      if (say.begins_restart) lines.push_back(say.text);
    }
    return lines;
  }
};

// A backend that has waited for watchd, whose first tree comes now.
Life begun(Life life = Life()) {
  life.after(Begun{}, TreeGone{}, tree(1));
  return life;
}

// A backend in its first Running, with tree revision 1.
Life running() {
  Life life = begun();
  life.after(Spawned{.pid = 100}, Answered{.generation = 1});
  EXPECT_EQ(life.state(), Backend::State::Running);
  return life;
}

// A backend in this state. After Starting, generation 2 serves revision 2.
Life life_in(Backend::State state) {
  using enum Backend::State;
  Life life = state == Starting ? Life() : running();
  if (state == Starting) {
    life(Begun{});
  } else {
    life.after(tree(2), TreeGone{}, Spawned{.pid = 200});
    if (state != Loading) life(Answered{.generation = 2});
  }
  if (state == Error) life.after(exited(2), TreeGone{});
  if (state == Killing) life(tree(3));
  if (state == Stopping || state == Left) life(StopRequested{});
  if (state == Left) life(TreeGone{});
  EXPECT_EQ(life.state(), state);
  return life;
}

// ---- starting up --------------------------------------------------------------------------------

TEST(Starting, SpawnsOnceTheTreeIsKnownAndNothingIsLeft) {
  Life life;
  EXPECT_THAT(life(Begun{}), ElementsAre("Publish Loading 0", "KillTree", "StartTimer 1000 ms"));
  EXPECT_THAT(life(TreeGone{}), IsEmpty());
  EXPECT_THAT(life(tree(4)), ElementsAre("Spawn 1"));
  EXPECT_THAT(life(Spawned{.pid = 100}),
              ElementsAre("Publish Loading 1 pid 100 serves 7:4 seen 7:4", "StartProbe 1",
                          "Say Loading: started python3 app.py (generation 1, pid 100)"));
  EXPECT_EQ(life.published().spawned_at_ms, life.wall_ms());
  EXPECT_EQ(life.published().ready_at_ms, 0);
}

TEST(Starting, WaitsForLeftoversAfterTheTreeIsKnown) {
  Life life(41);
  life(Begun{});
  EXPECT_THAT(life(tree(4)), IsEmpty());
  EXPECT_THAT(life(tree(5)), IsEmpty());
  EXPECT_THAT(life(RestartRequested{}), IsEmpty());
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 42"));
  life(Spawned{.pid = 100});
  EXPECT_EQ(life.published().serves, (bus::TreePoint{kEpoch, 5}));
}

TEST(Starting, SpawnsAfterATimeoutAndTreatsTheFirstTreeAsAChange) {
  Life life;
  life.after(Begun{}, TreeGone{});
  EXPECT_THAT(
      life(TimerExpired{}),
      ElementsAre("Say hpp-watchd is not ready yet: starting your server without it", "Spawn 1"));
  life(Spawned{.pid = 100});
  EXPECT_EQ(life.published().serves, bus::TreePoint{});
  EXPECT_THAT(life(tree(9)),
              ElementsAre("StopProbe", "Publish Killing 1 pid 100 seen 7:9", "KillTree",
                          "Say Killing: files changed while hpp did not watch them"))
      << "files may have been saved between the spawn and the first snapshot";
  EXPECT_THAT(life(tree(9)), IsEmpty());
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 2"));
  life(Spawned{.pid = 101});
  EXPECT_EQ(life.published().serves, (bus::TreePoint{kEpoch, 9}));
}

TEST(Starting, WaitsUntilTheWatcherWatchesButNotForever) {
  Life life;
  life.after(Begun{}, TreeGone{});
  EXPECT_THAT(life(blind(tree(3))), IsEmpty());
  EXPECT_THAT(life(TimerExpired{}), ElementsAre(testing::_, "Spawn 1"));
  life(Spawned{.pid = 100});
  EXPECT_EQ(life.published().serves, (bus::TreePoint{kEpoch, 3}));
  EXPECT_THAT(life(tree(3)), IsEmpty()) << "watchd watches now, and nothing has changed";
}

TEST(Starting, IgnoresTheExpiryOfAnEarlierWait) {
  Life life;
  life.after(Begun{}, tree(1));
  EXPECT_THAT(life(TimerExpired{}), IsEmpty());
  EXPECT_THAT(running()(TimerExpired{}), IsEmpty());
}

// ---- after a crash of supervisord ---------------------------------------------------------------

bus::BackendState left_in(bus::BackendPhase state) {
  return {.state = state,
          .generation = 7,
          .pid = 300,
          .command = {"python3", "app.py"},
          .serves = {kEpoch, 4},
          .seen = {kEpoch, 4},
          .spawned_at_ms = 1000,
          .ready_at_ms = state == bus::BackendPhase::Running ? 1200 : 0};
}

Begun taking_over(const bus::BackendState& last) {
  return {.last = last};
}

TEST(TakingOver, LeavesARunningBackendAlone) {
  Life life(7);
  EXPECT_THAT(life(taking_over(left_in(bus::BackendPhase::Running))),
              ElementsAre("Publish Running 7 pid 300 serves 7:4 seen 7:4",
                          "Say Running: took over generation 7, pid 300"));
  EXPECT_EQ(life.published().ready_at_ms, 1200);
  EXPECT_THAT(life(tree(4)), IsEmpty()) << "nothing was saved meanwhile";
  EXPECT_THAT(life(tree(5)), ElementsAre("Publish Killing 7 pid 300 serves 7:4 seen 7:5",
                                         "KillTree", "Say Killing: src/a.py changed"));
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 8"));
}

TEST(TakingOver, RestartsForASaveMadeMeanwhile) {
  for (const TreeSeen& news : {tree(5), tree(1, {"src/a.py"}, kEpoch + 1)}) {
    Life life(7);
    life.after(taking_over(left_in(bus::BackendPhase::Running)), news);
    EXPECT_EQ(life.state(), Backend::State::Killing);
  }
}

TEST(TakingOver, ContinuesToProbeALoadingBackend) {
  Life life(7);
  EXPECT_THAT(life(taking_over(left_in(bus::BackendPhase::Loading))),
              ElementsAre("Publish Loading 7 pid 300 serves 7:4 seen 7:4", "StartProbe 7",
                          "Say Loading: took over generation 7, pid 300"));
  EXPECT_THAT(life(Answered{.generation = 7}),
              ElementsAre(testing::_, "Say Running: generation 7 answers after 4010 ms"))
      << "the time since the spawn";
}

TEST(TakingOver, ReportsABackendThatDiedMeanwhile) {
  Life life(7);
  life(taking_over(left_in(bus::BackendPhase::Running)));
  ProcessExited end = exited(7, 3, "boom");
  EXPECT_THAT(life(end),
              ElementsAre("KillTree", "Publish Error 7 serves 7:4 seen 7:4 code 3 tail 'boom'",
                          "Say Error: exit code 3 after 4010 ms; waiting for a change"));
  Life other(7);
  other(taking_over(left_in(bus::BackendPhase::Running)));
  end.status = {.is_known = false};
  EXPECT_THAT(other(end),
              ElementsAre("KillTree", "Publish Error 7 serves 7:4 seen 7:4 tail 'boom'",
                          "Say Error: unknown exit code after 4010 ms; waiting for a change"));
  EXPECT_EQ(other.published().exit, bus::BackendExit{}) << "no process has received the status";
}

TEST(Failing, TheErrorComesFirst) {
  Life life = running();
  ProcessExited end = exited(1, 3, "NameError: x");
  end.error = bus::BackendError{.message = "NameError: x\x1b", .file = "app.py", .line = 7};
  life(end);
  EXPECT_EQ(life.published().error, end.error);
  EXPECT_EQ(life.published().failure, bus::Failure::Crashed);
  EXPECT_THAT(
      life.all<Say>().back().text,
      testing::MatchesRegex("Error: app.py:7: NameError: x\\? \\(exit code 3 after .* ms\\); "
                            "waiting for a change"));
}

TEST(TakingOver, StaysInErrorUntilAChange) {
  bus::BackendState last = left_in(bus::BackendPhase::Error);
  last.pid = 0;
  last.exit = bus::BackendExit{.code = 1};
  last.output_tail = "boom";
  Life life(7);
  EXPECT_THAT(life(taking_over(last)),
              ElementsAre("Publish Error 7 serves 7:4 seen 7:4 code 1 tail 'boom'", "KillTree",
                          "Say Error: still waiting for a change"));
  life(TreeGone{});
  EXPECT_THAT(life(tree(4)), IsEmpty());
  EXPECT_THAT(life(tree(5)), ElementsAre("Spawn 8"));
}

TEST(TakingOver, ContinuesToKill) {
  Life life(7);
  EXPECT_THAT(life(taking_over(left_in(bus::BackendPhase::Killing))),
              ElementsAre("Publish Killing 7 pid 300 serves 7:4 seen 7:4", "KillTree",
                          "Say Killing: continuing what the previous hpp-supervisord began"));
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 8"));
}

// ---- each state, with each event ----------------------------------------------------------------

void expect_step(Backend::State from, const Event& event, Backend::State to,
                 const std::vector<std::string>& effects) {
  SCOPED_TRACE(test::name_of(event));
  Life life = life_in(from);
  EXPECT_EQ(life(event), effects);
  EXPECT_EQ(life.state(), to);
}

void expect_nothing(Backend::State in, const std::vector<Event>& events) {
  for (const Event& event : events) expect_step(in, event, in, {});
}

TEST(Table, LeadsFromStateToState) {
  using enum Backend::State;
  const auto change = tree(50, {"src/a.py", "b"});
  const auto exit = exited(2, 1, "oops");
  const Answered answer{.generation = 2};
  const std::string error_load =
      "Say Error: exit code 1 after 10 ms, 30 ms after src/a.py changed; waiting for a change";
  expect_step(Starting, StopRequested{}, Stopping,
              {"Publish Killing 0", "Say Killing: stop requested"});

  expect_step(Loading, answer, Running,
              {"Publish Running 2 pid 200 serves 7:2 seen 7:2",
               "Say Running: generation 2 answers after 10 ms, 30 ms after src/a.py changed"});
  expect_step(Loading, exit, Error,
              {"StopProbe", "KillTree", "Publish Error 2 serves 7:2 seen 7:2 code 1 tail 'oops'",
               error_load});
  expect_step(Loading, change, Killing,
              {"StopProbe", "Publish Killing 2 pid 200 serves 7:2 seen 7:50", "KillTree",
               "Say Killing: src/a.py and 1 more changed"});
  expect_step(Loading, RestartRequested{}, Killing,
              {"StopProbe", "Publish Killing 2 pid 200 serves 7:2 seen 7:2", "KillTree",
               "Say Killing: restart requested (SIGHUP)"});
  expect_step(Loading, StopRequested{}, Stopping,
              {"StopProbe", "Publish Killing 2 pid 200 serves 7:2 seen 7:2", "KillTree",
               "Say Killing: stop requested"});

  expect_step(Running, exit, Error,
              {"KillTree", "Publish Error 2 serves 7:2 seen 7:2 code 1 tail 'oops'",
               "Say Error: exit code 1 after 20 ms; waiting for a change"});
  expect_step(Running, change, Killing,
              {"Publish Killing 2 pid 200 serves 7:2 seen 7:50", "KillTree",
               "Say Killing: src/a.py and 1 more changed"});
  expect_step(Running, tree(3, {}), Killing,
              {"Publish Killing 2 pid 200 serves 7:2 seen 7:3", "KillTree",
               "Say Killing: files changed while hpp did not watch them"});
  expect_step(
      Running, nameless(tree(3)), Killing,
      {"Publish Killing 2 pid 200 serves 7:2 seen 7:3", "KillTree", "Say Killing: files changed"});
  expect_step(Running, tree(0, {}, 8), Killing,
              {"Publish Killing 2 pid 200 serves 7:2 seen 8:0", "KillTree",
               "Say Killing: files changed while hpp did not watch them"});
  expect_step(Running, blind(tree(3)), Killing,
              {"Publish Killing 2 pid 200 serves 7:2 seen 7:3", "KillTree",
               "Say Killing: src/a.py changed"});
  expect_step(Running, RestartRequested{}, Killing,
              {"Publish Killing 2 pid 200 serves 7:2 seen 7:2", "KillTree",
               "Say Killing: restart requested (SIGHUP)"});
  expect_step(
      Running, StopRequested{}, Stopping,
      {"Publish Killing 2 pid 200 serves 7:2 seen 7:2", "KillTree", "Say Killing: stop requested"});

  expect_step(Error, change, Error, {"Spawn 3"});
  expect_step(Error, RestartRequested{}, Error, {"Spawn 3"});
  expect_step(Error, StopRequested{}, Left, {"Leave"});

  expect_step(Killing, change, Killing, {"Publish Killing 2 pid 200 serves 7:2 seen 7:50"});
  expect_step(Killing, TreeGone{}, Killing, {"Spawn 3"});
  expect_step(Killing, StopRequested{}, Stopping,
              {"Publish Killing 2 pid 200 serves 7:2 seen 7:3", "Say Killing: stop requested"});

  expect_step(Stopping, TreeGone{}, Left,
              {"Say Stopped: no process of your server is left after 10 ms",
               "Publish Killing 2 serves 7:2 seen 7:2", "Leave"});

  expect_nothing(Loading, {Answered{.generation = 1}, exited(1), tree(2), tree(1), blind(tree(2))});
  expect_nothing(Running, {answer});
  expect_nothing(Error, {tree(2), answer, exit});
  expect_nothing(Killing, {RestartRequested{}, exit, answer});
  expect_nothing(Stopping, {change, RestartRequested{}, exit, answer, StopRequested{}});
  expect_nothing(Left, {change, RestartRequested{}, StopRequested{}, exit});
}

// ---- longer stories -----------------------------------------------------------------------------

TEST(LivenessCheck, IsAnsweredWithTheCurrentState) {
  Life life = running();
  const bus::Ticket first{.epoch = 3, .number = 1};
  EXPECT_THAT(life(CheckRequested{first}),
              ElementsAre("Publish Running 1 pid 100 serves 7:1 seen 7:1"));
  EXPECT_EQ(life.published().answers, first);
  EXPECT_THAT(life(CheckRequested{first}), IsEmpty()) << "the check was already answered";
  life(tree(2));
  EXPECT_EQ(life.published().state, bus::BackendPhase::Killing);
  const bus::Ticket second{.epoch = 3, .number = 2};
  life(CheckRequested{second});
  EXPECT_EQ(life.published().answers, second);
  EXPECT_EQ(life.published().state, bus::BackendPhase::Killing);
  const bus::Ticket of_another{.epoch = 4, .number = 1};
  life(CheckRequested{of_another});
  EXPECT_EQ(life.published().answers, of_another) << "proxyd was restarted";
}

TEST(Restart, LogsTheDurationOfEachStep) {
  Life life = running();
  life(tree(2, {"src/views.py"}));
  life(exited(1), milliseconds(1));
  EXPECT_THAT(life(TreeGone{}, milliseconds(2)), ElementsAre("Spawn 2"));
  EXPECT_THAT(life(Spawned{.pid = 4711}, milliseconds(1)),
              ElementsAre("Publish Loading 2 pid 4711 serves 7:2 seen 7:2", "StartProbe 2",
                          "Say Loading: started python3 app.py (generation 2, pid 4711), "
                          "killed the old one in 3.0 ms"));
  EXPECT_THAT(life(Answered{.generation = 2}, milliseconds(412)),
              ElementsAre("Publish Running 2 pid 4711 serves 7:2 seen 7:2",
                          "Say Running: generation 2 answers after 412 ms, "
                          "416 ms after src/views.py changed"));
  EXPECT_EQ(life.published().ready_at_ms, life.wall_ms());
  EXPECT_EQ(life.published().spawned_at_ms, life.wall_ms() - 412);
}

TEST(Restart, SaysIfTheServerGaveNoResponse) {
  Life life = begun();
  life.after(Spawned{.pid = 100});
  EXPECT_THAT(life(Answered{.generation = 1, .is_response = false}, milliseconds(5)).back(),
              testing::EndsWith(
                  "It accepts connections, but closes them without a response to HEAD and GET"));
}

TEST(Restart, ServesAllChangesDuringTheKillWithOneSpawn) {
  Life life = running();
  life.after(tree(2), tree(3), tree(4));
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 2"));
  EXPECT_THAT(life(Spawned{.pid = 4711})[0], "Publish Loading 2 pid 4711 serves 7:4 seen 7:4");
}

TEST(Crash, SpawnsOnlyAfterTheRemainingProcessesHaveEnded) {
  Life life = running();
  life(exited(1));
  EXPECT_THAT(life(tree(2)), ElementsAre("Publish Killing 1 serves 7:1 seen 7:2",
                                         "Say Killing: src/a.py changed"));
  EXPECT_EQ(life.published().exit, std::nullopt);
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 2"));
}

TEST(Crash, StopWaitsForTheRemainingProcesses) {
  Life life = running();
  life(exited(1));
  EXPECT_THAT(life(StopRequested{}),
              ElementsAre("Publish Killing 1 serves 7:1 seen 7:1", "Say Killing: stop requested"));
  EXPECT_THAT(life(TreeGone{}),
              ElementsAre("Say Stopped: no process of your server is left after 10 ms", "Leave"));
}

TEST(Crash, ReportsTheSignalAndEndsWithTheNextChange) {
  Life life = running();
  life(ProcessExited{
      .generation = 1, .status = {.by_signal = true, .number = 11}, .output_tail = ""});
  EXPECT_EQ(life.published().exit->signal, 11);
  EXPECT_EQ(life.published().exit->code, std::nullopt);
  EXPECT_THAT(life(TreeGone{}), IsEmpty());
  EXPECT_THAT(life(tree(2)), ElementsAre("Spawn 2"));
  EXPECT_THAT(life(Spawned{.pid = 101}),
              ElementsAre("Publish Loading 2 pid 101 serves 7:2 seen 7:2", "StartProbe 2",
                          "Say Loading: src/a.py changed, started python3 app.py "
                          "(generation 2, pid 101)"));
}

TEST(Crash, ReportsAProblemThatTheStatusDoesNotExplain) {
  Life life = running();
  ProcessExited end = exited(1, 127);
  end.problem = "its interpreter was not found";
  EXPECT_THAT(life(end), testing::Contains(
                             "Say Error: exit code 127 after 20 ms: its interpreter was not found; "
                             "waiting for a change"));
  EXPECT_EQ(life.published().problem,
            "python3 ended with exit code 127: its interpreter was not found");
  life.after(TreeGone{}, tree(2), Spawned{.pid = 101});
  EXPECT_EQ(life.published().problem, "");
}

TEST(Restart, PublishesItsCauseAndTheTimesOfItsSteps) {
  Life life = running();
  EXPECT_EQ(life.published().cause, bus::Cause{}) << "the first start has no cause";
  life(tree(2, {"a.py", "b.py"}));
  const bus::Cause cause{
      .text = "a.py and 1 more changed", .changed = {"a.py", "b.py"}, .at_ms = life.wall_ms()};
  EXPECT_EQ(life.published().cause, cause) << "the next backend's, while the old one is killed";
  EXPECT_EQ(life.published().killed_at_ms, 0);
  life(tree(3));
  EXPECT_EQ(life.published().cause, cause) << "the first change began the restart";
  life(TreeGone{});
  const std::int64_t killed_at_ms = life.wall_ms();
  life(Spawned{.pid = 101});
  EXPECT_EQ(life.published().killed_at_ms, killed_at_ms);
  life(exited(2));
  EXPECT_EQ(life.published().cause, cause);
  EXPECT_EQ(life.published().ended_at_ms, life.wall_ms());
  life.after(TreeGone{}, RestartRequested{});
  const bus::Cause request{
      .text = "restart requested (SIGHUP)", .changed = {}, .at_ms = life.wall_ms()};
  life(Spawned{.pid = 102});
  EXPECT_EQ(life.published().cause, request);
  EXPECT_EQ(life.published().killed_at_ms, 0) << "there was no backend to kill";
  EXPECT_EQ(life.published().ended_at_ms, 0);
}

TEST(Restarting, ARequestFromABrowserCausesOneRestart) {
  Life life = begun();
  life(Spawned{.pid = 100});
  const RestartRequested request{.ticket = {.epoch = 5, .number = 1}};
  EXPECT_THAT(life(request), testing::Contains("KillTree"));
  EXPECT_EQ(life.published().restart_accepted, request.ticket);
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 2"));
  life(Spawned{.pid = 101});
  EXPECT_EQ(life.published().cause.text, "restart requested (browser)");
  EXPECT_THAT(life(request), IsEmpty()) << "the message is repeated";
  EXPECT_THAT(life(RestartRequested{.ticket = {.epoch = 5, .number = 2}}),
              testing::Contains("KillTree"));
}

TEST(Spawning, FailureNamesTheCommandAndEndsWithTheNextSpawn) {
  Life life = begun();
  EXPECT_THAT(life(SpawnFailed{"No such file or directory"}),
              ElementsAre("Publish Error 1 serves 7:1 seen 7:1 "
                          "spawn 'python3: No such file or directory'",
                          "Say Error: cannot start python3: No such file or directory; "
                          "hpp tries again until it can",
                          "StartTimer 500 ms"));
  EXPECT_THAT(life(RestartRequested{}), ElementsAre("Spawn 2"));
  EXPECT_THAT(life(SpawnFailed{"Permission denied"})[0],
              "Publish Error 2 serves 7:1 seen 7:1 spawn 'python3: Permission denied'");
  EXPECT_THAT(life(tree(2)), ElementsAre("Spawn 3"));
  EXPECT_THAT(life(Spawned{.pid = 5})[0], "Publish Loading 3 pid 5 serves 7:2 seen 7:2");
  EXPECT_EQ(life.published().exit, std::nullopt);
}

const PortTaken kTaken{.port = 8001, .by = "pid 1234 (python3 x.py)", .pid = 1234};

TEST(Spawning, FailureNamesTheProcessThatHasThePort) {
  Life life = running();
  life.after(tree(2), TreeGone{});
  EXPECT_THAT(life(kTaken),
              ElementsAre("Publish Error 2 serves 7:2 seen 7:2 problem 'port 8001 is in use by "
                          "pid 1234 (python3 x.py). End it with kill 1234; hpp starts your server "
                          "as soon as the port is free'",
                          "Say Error: port 8001 is in use by pid 1234 (python3 x.py). End it with "
                          "kill 1234; hpp starts your server as soon as the port is free",
                          "StartTimer 500 ms"));
  EXPECT_THAT(life(tree(3)), ElementsAre("Spawn 3"));
  EXPECT_THAT(life(Spawned{.pid = 5})[2],
              "Say Loading: src/a.py changed, started python3 app.py (generation 3, pid 5)");
}

TEST(Spawning, AdvisesNoKillIfTheProcessOnThePortIsUnknown) {
  Life life = running();
  life.after(tree(2), TreeGone{}, PortTaken{.port = 8001, .by = "another process", .pid = 0});
  EXPECT_EQ(life.published().problem,
            "port 8001 is in use by another process; hpp starts your server as soon as the port is "
            "free");
}

TEST(Spawning, IsRetriedSilentlyUntilThePortIsFree) {
  Life life = running();
  life.after(tree(2), TreeGone{}, kTaken);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(life(TimerExpired{}), ElementsAre("Spawn 2")) << "the same generation";
    EXPECT_THAT(life(kTaken), ElementsAre("StartTimer 500 ms"));
  }
  life(TimerExpired{});
  EXPECT_THAT(life(Spawned{.pid = 5}),
              ElementsAre("Publish Loading 2 pid 5 serves 7:2 seen 7:2", "StartProbe 2",
                          "Say Loading: the port is free, started python3 app.py (generation 2, "
                          "pid 5)"));
  EXPECT_THAT(life(TimerExpired{}), IsEmpty());
  EXPECT_THAT(life(Answered{.generation = 2}).back(),
              "Say Running: generation 2 answers after 20 ms")
      << "the wait for the port is not part of the server's start";
}

TEST(Spawning, LogsARetryThatFailsForAnotherReason) {
  Life life = running();
  life.after(tree(2), TreeGone{}, kTaken, TimerExpired{});
  EXPECT_THAT(life(PortTaken{.port = 8001, .by = "pid 5 (x)", .pid = 5})[1],
              testing::StartsWith("Say Error: port 8001 is in use by pid 5 (x)"));
  life(TimerExpired{});
  EXPECT_THAT(life(SpawnFailed{"Permission denied"})[0],
              "Publish Error 2 serves 7:2 seen 7:2 spawn 'python3: Permission denied'");
  life(TimerExpired{});
  EXPECT_THAT(life(kTaken)[0], testing::HasSubstr("problem 'port 8001"));
  EXPECT_EQ(life.published().exit, std::nullopt);
}

TEST(Spawning, IsNotRetriedAfterACrash) {
  Life life = running();
  life.after(exited(1), TreeGone{});
  EXPECT_THAT(life(TimerExpired{}), IsEmpty());
}

// ---- processes that may not be killed -----------------------------------------------------------

KillRefused refused(std::vector<std::int64_t> pids = {7}) {
  return {.pids = std::move(pids), .who = "pid 7 (sudo ./server)"};
}

constexpr const char* kRefusal =
    "pid 7 (sudo ./server) cannot be ended, because it belongs to another user. End it with sudo "
    "kill -9 7, or run hpp as that user; hpp then continues by itself";

TEST(RefusedKill, EndsTheWaitWithAnError) {
  Life life = life_in(Backend::State::Killing);
  EXPECT_THAT(
      life(refused()),
      ElementsAre(std::string("Publish Error 2 serves 7:2 seen 7:3 problem '") + kRefusal + "'",
                  std::string("Say Error: ") + kRefusal));
  EXPECT_EQ(life.published().ended_at_ms, life.wall_ms());
}

TEST(RefusedKill, StartContinuesWhenTheProcessesHaveEnded) {
  Life life = life_in(Backend::State::Killing);
  life(refused());
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 3"));
}

TEST(RefusedKill, IsRepeatedAtTheNextChange) {
  Life life = life_in(Backend::State::Killing);
  life(refused());
  EXPECT_THAT(life(tree(4)), ElementsAre("Publish Killing 2 serves 7:2 seen 7:4", "KillTree",
                                         "Say Killing: src/a.py changed"));
  EXPECT_THAT(life(tree(5)), ElementsAre("Publish Killing 2 serves 7:2 seen 7:5"));
  life(refused());
  EXPECT_EQ(life.state(), Backend::State::Error);
}

TEST(RefusedKill, DoesNotRestartACrashedBackend) {
  Life life = running();
  life.after(exited(1, 3, "boom"), refused());
  EXPECT_EQ(life.published().exit->code, 3);
  EXPECT_THAT(life.published().problem, testing::StartsWith("pid 7"));
  EXPECT_THAT(life.published().problem, testing::Not(testing::HasSubstr("continues")));
  EXPECT_THAT(life(TreeGone{}), IsEmpty());
}

TEST(RefusedKill, IsRepeatedAtTheNextChangeAfterACrash) {
  Life life = running();
  life.after(exited(1, 3, "boom"), refused());
  EXPECT_THAT(life(tree(2)), testing::Contains("KillTree"));
  life(refused());
  EXPECT_THAT(life.published().problem, testing::HasSubstr("hpp then continues"));
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 2"));
}

TEST(RefusedKill, StartStillWaitsAfterACrashOfSupervisord) {
  Life life = life_in(Backend::State::Killing);
  life(refused());
  Life next;
  next(Begun{.last = life.published()});
  EXPECT_EQ(next.state(), Backend::State::Error);
  EXPECT_THAT(next(TreeGone{}), ElementsAre("Spawn 3")) << "the change is not served yet";
}

TEST(RefusedKill, IsAnErrorBeforeTheFirstStart) {
  Life life;
  life.after(Begun{}, tree(1), refused());
  EXPECT_EQ(life.state(), Backend::State::Error);
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 1"));
}

TEST(RefusedKill, DoesNotDelayAStop) {
  Life life = life_in(Backend::State::Stopping);
  EXPECT_THAT(
      life(refused({7, 8})),
      ElementsAre("Say Stopped: pid 7 (sudo ./server) cannot be ended, because they belong "
                  "to another user. End them with sudo kill -9 7 8, or run hpp as that user",
                  testing::StartsWith("Publish Killing 2"), "Leave"));
}

// ---- a stranger on the backend's port -----------------------------------------------------------

const std::string kStranger = "pid 9 (node x.js)";

Answered answer_of_tree(std::uint64_t generation = 2) {
  return {.generation = generation, .address = "127.0.0.1:8001", .stranger = ""};
}

Answered answer_of_stranger() {
  return {.generation = 2, .address = "[::1]:8001", .stranger = kStranger};
}

TEST(Stranger, DoesNotCountForTwoSeconds) {
  Life life = life_in(Backend::State::Loading);
  const StrangerListens found{2};
  EXPECT_THAT(life(found), IsEmpty());
  EXPECT_THAT(life(found, kStrangerWait - milliseconds(1)), IsEmpty());
  EXPECT_THAT(life(answer_of_tree()),
              ElementsAre("Publish Running 2 pid 200 serves 7:2 seen 7:2 at 127.0.0.1:8001",
                          testing::StartsWith("Say Running: generation 2")));
}

TEST(Stranger, IsAcceptedAfterTwoSecondsAndNamed) {
  Life life = life_in(Backend::State::Loading);
  const StrangerListens found{2};
  life(found);
  EXPECT_THAT(life(found, kStrangerWait), ElementsAre("StartProbe 2 of any process"));
  EXPECT_THAT(life(found), IsEmpty()) << "the probe already asks every process";
  EXPECT_THAT(life(answer_of_stranger()),
              ElementsAre("Publish Running 2 pid 200 serves 7:2 seen 7:2 at [::1]:8001 by 'pid 9 "
                          "(node x.js)'",
                          testing::StartsWith("Say Running: generation 2"),
                          "Say requests go to pid 9 (node x.js), which listens on [::1]:8001 and "
                          "is no process of your command. If it is the wrong one, end it; hpp "
                          "switches to your server as soon as that listens",
                          "StartProbe 2 instead"));
}

Life served_by_stranger() {
  Life life = life_in(Backend::State::Loading);
  const StrangerListens found{2};
  life(found);
  life(found, kStrangerWait);
  life(answer_of_stranger());
  EXPECT_EQ(life.state(), Backend::State::Running);
  return life;
}

TEST(Stranger, IsReplacedByTheTree) {
  Life life = served_by_stranger();
  EXPECT_THAT(life(answer_of_tree()),
              ElementsAre("Publish Running 2 pid 200 serves 7:2 seen 7:2 at 127.0.0.1:8001",
                          "Say Running: your server listens on 127.0.0.1:8001 now; requests go "
                          "there, not to pid 9 (node x.js)"));
  EXPECT_THAT(life(tree(3))[0], testing::StartsWith("Publish Killing")) << "no probe is left";
}

TEST(Stranger, IsForgottenWithTheGeneration) {
  Life life = served_by_stranger();
  EXPECT_THAT(life(tree(3)), ElementsAre("StopProbe", testing::StartsWith("Publish Killing"),
                                         "KillTree", "Say Killing: src/a.py changed"));
  life(TreeGone{});
  EXPECT_THAT(life(Spawned{.pid = 300})[0], "Publish Loading 3 pid 300 serves 7:3 seen 7:3");
  EXPECT_THAT(life(StrangerListens{3}, kStrangerWait), IsEmpty());
}

TEST(Stranger, TreeIsStillProbedAfterACrashOfSupervisord) {
  Life life = served_by_stranger();
  Life next(2);
  EXPECT_THAT(next(Begun{.last = life.published()}),
              ElementsAre(testing::_, testing::_, "StartProbe 2 instead"));
}

TEST(Stranger, ThatBlocksTheBackendsPortIsWaitedFor) {
  Life life = life_in(Backend::State::Loading);
  life.after(StrangerListens{2}, exited(2, 1, "Address already in use"));
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 3"));
  EXPECT_THAT(life(kTaken).back(), "StartTimer 500 ms");
}

TEST(Stranger, DoesNotCauseARestartAfterASecondCrash) {
  Life life = life_in(Backend::State::Loading);
  life.after(StrangerListens{2}, exited(2));
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 3"));
  life.after(Spawned{.pid = 30}, StrangerListens{3}, exited(3));
  EXPECT_THAT(life(TreeGone{}), IsEmpty()) << "docker-proxy listens for the backend itself";
  EXPECT_THAT(life(tree(4)), ElementsAre("Spawn 4"));
}

TEST(Text, ReplacesControlCharacters) {
  Life life = running();
  EXPECT_THAT(life(tree(2, {"evil\x1b[2J\nname"})).back(), "Say Killing: evil?[2J?name changed");
}

TEST(Text, ShortensALongCommandBetweenCharacters) {
  Backend backend({.command = {std::string(79, 'x') + "äöü"}});
  for (const Event& event : {Event(Begun{}), Event(TreeGone{}), Event(tree(1))}) {
    (void)backend.on(event, {});
  }
  const auto effects = backend.on(Spawned{.pid = 1}, {});
  EXPECT_EQ(std::get<Say>(effects.back()).text,
            "Loading: started " + std::string(79, 'x') + "… (generation 1, pid 1)");
}

// ---- a build before each start ------------------------------------------------------------------

const Backend::Settings kBuilds{.command = {"server"}, .steps = {build_step("make all")}};
const Backend::Settings kKeeps{
    .command = {"server"}, .steps = {build_step("make all")}, .keep_last_good = true};

StepEnded built(int code = 0, std::string tail = "") {
  return {.status = {.number = code}, .problem = {}, .output_tail = std::move(tail)};
}

// A backend with a build in its first Running, with tree revision 1.
Life run_built(const Backend::Settings& settings) {
  Life life = begun(Life(settings));
  life.after(built(), Spawned{.pid = 100}, Answered{.generation = 1});
  EXPECT_EQ(life.state(), Backend::State::Running);
  return life;
}

TEST(Building, ComesBeforeEachSpawn) {
  Life life(kBuilds);
  life.after(Begun{}, TreeGone{});
  EXPECT_THAT(life(tree(1)), ElementsAre("Publish Loading 1 serves 7:1 seen 7:1",
                                         "RunStep make all", "Say Building: running make all"));
  EXPECT_THAT(life(built(), milliseconds(250)), ElementsAre("Spawn 1"));
  EXPECT_THAT(life(Spawned{.pid = 100}),
              ElementsAre("Publish Loading 1 pid 100 serves 7:1 seen 7:1", "StartProbe 1",
                          "Say Loading: started server (generation 1, pid 100), built in 250 ms"));
  life(Answered{.generation = 1});
  EXPECT_THAT(life(tree(2)), ElementsAre("Publish Killing 1 pid 100 serves 7:1 seen 7:2",
                                         "KillTree", "Say Killing: src/a.py changed"));
  EXPECT_THAT(life(TreeGone{}),
              ElementsAre("Publish Loading 2 serves 7:2 seen 7:2", "RunStep make all",
                          "Say Building: running make all, killed the old one in 10 ms"));
}

TEST(Building, RunsOneStepAfterAnother) {
  Life life({.command = {"server"}, .steps = {build_step("make"), build_step("migrate")}});
  life.after(Begun{}, TreeGone{});
  EXPECT_THAT(life(tree(1)), testing::Contains("RunStep make"));
  EXPECT_THAT(life(built(), milliseconds(250)),
              ElementsAre("RunStep migrate", "Say Building: running migrate"));
  EXPECT_THAT(life(built(), milliseconds(20)), ElementsAre("Spawn 1"));
  EXPECT_THAT(life(Spawned{.pid = 100}),
              testing::Contains("Say Loading: started server (generation 1, pid 100), built in 250 "
                                "ms, built in 20 ms"));
  life(tree(2));
  EXPECT_THAT(life(TreeGone{}), testing::Contains("RunStep make"));
  EXPECT_THAT(life(built(2)), testing::Contains("KillTree")) << "the second step does not run";
}

TEST(Building, FailureIsAnErrorWithTheOutput) {
  Life life = run_built(kBuilds);
  life.after(tree(2), TreeGone{});
  EXPECT_THAT(life(built(2, "a.c:1: oops")),
              ElementsAre("KillTree",
                          "Publish Error 2 serves 7:2 seen 7:2 tail 'a.c:1: oops' problem "
                          "'make all failed: exit code 2'",
                          "Say Error: make all failed: exit code 2 after 10 ms; waiting for a "
                          "change"));
  life(TreeGone{});
  EXPECT_THAT(life(tree(3)),
              ElementsAre("Publish Loading 3 serves 7:3 seen 7:3", "RunStep make all",
                          "Say Building: src/a.py changed, running make all"));
}

TEST(Building, ReportsWhyAStepCannotBeStarted) {
  Life life = begun(Life(kBuilds));
  life(StepEnded{.status = {.is_known = false}, .problem = "cannot fork", .output_tail = {}});
  EXPECT_EQ(life.published().problem, "make all failed: cannot fork");
}

TEST(Building, IsKilledByAChange) {
  Life life = run_built(kBuilds);
  life.after(tree(2), TreeGone{});
  EXPECT_THAT(life(tree(3)), ElementsAre("Publish Killing 2 serves 7:2 seen 7:3", "KillTree",
                                         "Say Killing: src/a.py changed"));
  EXPECT_THAT(life(built(1)), IsEmpty()) << "the step was killed";
  EXPECT_THAT(life(TreeGone{}), testing::Contains("RunStep make all"));
}

TEST(Building, IsKilledByAStop) {
  Life life = begun(Life(kBuilds));
  EXPECT_THAT(life(StopRequested{}), testing::Contains("KillTree"));
  EXPECT_THAT(life(TreeGone{}), testing::Contains("Leave"));
}

TEST(Building, ComesBeforeARequestedRestart) {
  Life life = run_built(kBuilds);
  life.after(exited(1), TreeGone{});
  EXPECT_THAT(life(RestartRequested{}), testing::Contains("RunStep make all"));
}

TEST(Rebuilding, KeepsTheBackendUntilTheBuildIsDone) {
  Life life = run_built(kKeeps);
  EXPECT_THAT(life(tree(2)),
              ElementsAre("Publish Running 1 pid 100 serves 7:1 seen 7:2", "RunStep make all",
                          "Say Building: src/a.py changed, running make all"));
  EXPECT_EQ(life.published().cause.text, "") << "the change is the cause of the next backend";
  EXPECT_THAT(life(built()), ElementsAre("Publish Killing 1 pid 100 serves 7:1 seen 7:2",
                                         "KillTree", "Say Killing: src/a.py changed"));
  EXPECT_EQ(life.published().cause.text, "src/a.py changed");
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 2"));
  EXPECT_THAT(life(Spawned{.pid = 200}),
              testing::Contains("Say Loading: started server (generation 2, pid 200), killed the "
                                "old one in 10 ms, built in 10 ms"));
}

TEST(Rebuilding, FailureKeepsTheBackend) {
  Life life = run_built(kKeeps);
  life(tree(2));
  EXPECT_THAT(life(built(2, "oops")),
              ElementsAre("Publish Running 1 pid 100 serves 7:2 seen 7:2 tail 'oops' problem "
                          "'make all failed: exit code 2'",
                          "Say Running: make all failed: exit code 2 after 10 ms; generation 1 "
                          "keeps running"));
  EXPECT_THAT(life(tree(3)), testing::Contains("Publish Running 1 pid 100 serves 7:2 seen 7:3"));
}

TEST(Rebuilding, IsRepeatedAfterAChangeMeanwhile) {
  Life life = run_built(kKeeps);
  life(tree(2));
  EXPECT_THAT(life(tree(3, {"b"})), ElementsAre("Publish Running 1 pid 100 serves 7:1 seen 7:3"));
  EXPECT_THAT(life(built()),
              ElementsAre("Publish Running 1 pid 100 serves 7:1 seen 7:3", "RunStep make all",
                          "Say Building: b changed, running make all"));
  life(built());
  EXPECT_THAT(life(tree(4)), ElementsAre("Publish Killing 1 pid 100 serves 7:1 seen 7:4"));
  EXPECT_THAT(life(TreeGone{}), testing::Contains("RunStep make all"))
      << "revision 4 has not been built";
}

TEST(Rebuilding, EndsIfTheBackendEnds) {
  Life life = run_built(kKeeps);
  life(tree(2));
  EXPECT_THAT(life(exited(1)),
              ElementsAre("Publish Killing 1 pid 100 serves 7:1 seen 7:2", "KillTree",
                          "Say Killing: exit code 1 during the build"));
  EXPECT_THAT(life(TreeGone{}), testing::Contains("RunStep make all"));
}

TEST(Rebuilding, IsKilledByARequestedRestart) {
  Life life = run_built(kKeeps);
  life(tree(2));
  EXPECT_THAT(life(RestartRequested{}), testing::Contains("KillTree"));
  EXPECT_THAT(life(TreeGone{}), testing::Contains("RunStep make all"));
}

TEST(Rebuilding, StartsAgainAfterACrashOfSupervisord) {
  Life life = run_built(kKeeps);
  life(tree(2));
  Life next(kKeeps);
  EXPECT_THAT(
      next(Begun{.last = life.published()}),
      ElementsAre(
          "Publish Killing 1 pid 100 serves 7:1 seen 7:2", "KillTree",
          "Say Killing: took over generation 1, pid 100, but files have changed since its start"));
  EXPECT_THAT(next(TreeGone{}), testing::Contains("RunStep make all"));
}

// ---- lines --------------------------------------------------------------------------------------

using Lines = std::vector<std::string>;

// --clear clears the screen before the first line of each restart.
TEST(FirstLine, ComesOncePerRestart) {
  Life life = running();
  EXPECT_EQ(life.first_lines(), Lines{}) << "the first start is no restart";
  life(tree(2));
  EXPECT_EQ(life.first_lines(), Lines{"Killing: src/a.py changed"});
  life.after(TreeGone{}, Spawned{.pid = 200});
  EXPECT_EQ(life.first_lines(), Lines{});
  life.after(exited(2), TreeGone{});
  EXPECT_EQ(life.first_lines(), Lines{});
  life(tree(3));
  EXPECT_EQ(life.first_lines(), Lines{}) << "there is no kill, and so no line about it";
  life(Spawned{.pid = 300});
  EXPECT_EQ(life.first_lines().size(), 1U);
  life(StopRequested{});
  EXPECT_EQ(life.first_lines(), Lines{});
}

TEST(FirstLine, IsAboutTheBuildIfThatComesFirst) {
  Life life = run_built(kKeeps);
  EXPECT_EQ(life.first_lines(), Lines{});
  life(tree(2));
  EXPECT_EQ(life.first_lines(), Lines{"Building: src/a.py changed, running make all"});
  life(built());
  EXPECT_EQ(life.state(), Backend::State::Killing);
  EXPECT_EQ(life.first_lines(), Lines{});
}

// ---- a start that waits -------------------------------------------------------------------------

// Interrupts the server's start by changes until the next start waits.
Life wait_for_quiet() {
  Life life = running();
  for (std::uint64_t revision = 2; revision < 4; ++revision) {
    life.after(tree(revision), TreeGone{}, Spawned{.pid = 100});
  }
  life.after(tree(4), TreeGone{});
  EXPECT_EQ(life.state(), Backend::State::Waiting);
  return life;
}

TEST(Waiting, EndsWhenTheFilesAreQuiet) {
  Life life = running();
  for (std::uint64_t revision = 2; revision < 4; ++revision) {
    life(tree(revision));
    EXPECT_THAT(life(TreeGone{}), ElementsAre(testing::StartsWith("Spawn")));
    life(Spawned{.pid = 100});
  }
  life(tree(4));
  EXPECT_THAT(life(TreeGone{}),
              ElementsAre("Say Waiting: files changed again before your server could answer; hpp "
                          "starts it when no file has changed for 100 ms",
                          "Publish Loading 4 serves 7:4 seen 7:4 delay 'the start waits until no "
                          "file has changed for 100 ms'",
                          "StartTimer 100 ms"));
  EXPECT_THAT(life(tree(5)),
              ElementsAre("Publish Loading 4 serves 7:5 seen 7:5 delay 'the start waits until no "
                          "file has changed for 100 ms'",
                          "StartTimer 100 ms"));
  EXPECT_THAT(life(TimerExpired{}), ElementsAre("Spawn 4"));
  EXPECT_THAT(life(Spawned{.pid = 100}),
              testing::Contains("Publish Loading 4 pid 100 serves 7:5 seen 7:5"));
}

TEST(Waiting, EndsAtOnceIfARestartIsRequested) {
  Life life = wait_for_quiet();
  EXPECT_THAT(life(RestartRequested{}), ElementsAre("Spawn 4"));
}

TEST(Waiting, StopNeedsNoKill) {
  Life life = wait_for_quiet();
  EXPECT_THAT(life(StopRequested{}), ElementsAre("Leave"));
}

TEST(Waiting, PrecedesABuild) {
  Life life =
      begun(Life(Backend::Settings{.command = {"server"}, .steps = {build_step("make all")}}));
  for (std::uint64_t revision = 2; revision < 4; ++revision) {
    life.after(tree(revision), TreeGone{});
  }
  EXPECT_EQ(life.state(), Backend::State::Waiting);
  EXPECT_THAT(life(TimerExpired{}), testing::Contains("RunStep make all"));
  EXPECT_THAT(life(built()), ElementsAre("Spawn 3")) << "there is no wait after the build";
}

TEST(Waiting, PrecedesABuildBesideTheBackend) {
  Life life = run_built(kKeeps);
  life.after(tree(2), tree(3));
  EXPECT_THAT(life(built()), testing::Contains("RunStep make all"));
  life(tree(4));
  EXPECT_THAT(life(built()), testing::Contains("StartTimer 100 ms"));
  EXPECT_EQ(life.published().state, bus::BackendPhase::Running);
  EXPECT_EQ(life.published().delay, "the start waits until no file has changed for 100 ms");
  EXPECT_THAT(life(tree(5)), testing::Contains("StartTimer 100 ms"));
  EXPECT_THAT(life(TimerExpired{}), testing::Contains("RunStep make all"));
  EXPECT_THAT(life(built()), testing::Contains("KillTree"));
}

// ---- a backend that restarts itself -------------------------------------------------------------

// The server writes db.sqlite3 before each answer.
TEST(Loop, IsLoggedOnceAndPaused) {
  Life life = running();
  std::vector<std::string> told;
  for (std::uint64_t revision = 2; revision < 12; ++revision) {
    life(tree(revision, {"db.sqlite3", "x" + std::to_string(revision)}));
    for (const std::string& text : life(TreeGone{})) {
      const bool is_loop = text.find("restarts itself") != std::string::npos ||
                           text.find("because your server") != std::string::npos;
      if (text.starts_with("Say") && is_loop) told.push_back(text);
    }
    if (life.state() == Backend::State::Waiting) life(TimerExpired{}, milliseconds(5'000));
    life(Spawned{.pid = 100});
  }
  EXPECT_THAT(
      told,
      ElementsAre("Say Waiting: your server restarts itself. It writes db.sqlite3 each time it "
                  "starts. hpp pauses 2000 ms before the next start; another save ends the pause. "
                  "To ignore such changes: --exclude db.sqlite3",
                  "Say Waiting: 5000 ms before the next start, because your server writes "
                  "db.sqlite3"));
}

// The server answers, but Running is published only after the time at which the file would have
// changed again.
TEST(Loop, SuspicionHoldsRunningBack) {
  Life life = running();
  for (std::uint64_t revision = 2; revision < 6; ++revision) {
    life(tree(revision, {"db"}), milliseconds(300));
    life(TreeGone{});
    if (life.state() == Backend::State::Waiting) life(TimerExpired{}, milliseconds(1'000));
    life(Spawned{.pid = 100});
    if (revision < 5) life(Answered{.generation = revision});
  }
  EXPECT_THAT(life(Answered{.generation = 5}), ElementsAre(testing::StartsWith("Publish Loading 5"),
                                                           testing::StartsWith("StartTimer")));
  EXPECT_EQ(life.state(), Backend::State::Loading);
  EXPECT_EQ(life.published().delay, kHeldText);
  Life broken = life;
  EXPECT_THAT(broken(exited(5)), testing::Not(testing::Contains("StopProbe")));
  EXPECT_THAT(life(TimerExpired{}),
              testing::AllOf(testing::Contains(testing::StartsWith("Publish Running 5")),
                             testing::Contains(testing::HasSubstr("answers after 10 ms"))));
}

// ---- warm starts --------------------------------------------------------------------------------

// A backend of generation 1, whose cold start took 480 ms, and which a change has killed.
Life killed_after_a_cold_start() {
  Life life = begun();
  life.after(Spawned{.pid = 100, .cold_because = "it is the first start"});
  life(Answered{.generation = 1}, milliseconds(480));
  life.after(tree(2), TreeGone{});
  return life;
}

TEST(Warm, LinesAndSnapshotTellAWarmStartFromAColdOne) {
  Life life = begun();
  life.after(Spawned{.pid = 100, .cold_because = "it is the first start"});
  EXPECT_THAT(life(Answered{.generation = 1}, milliseconds(480)),
              testing::Contains("Say Running: generation 1 answers after 480 ms (cold: it is the "
                                "first start)"));
  EXPECT_EQ(life.published().start,
            (bus::Start{.cold_because = "it is the first start", .cold_ms = 480}));
  life.after(tree(2), TreeGone{});
  EXPECT_THAT(life(Spawned{.pid = 200, .is_warm = true, .cold_because = {}}),
              testing::Contains("Say Loading: opened the gate of python3 app.py (generation 2, pid "
                                "200), killed the old one in 10 ms"));
  EXPECT_THAT(
      life(Answered{.generation = 2}, milliseconds(84)),
      testing::Contains("Say Running: generation 2 answers after 84 ms (warm; 480 ms cold), "
                        "104 ms after src/a.py changed"));
  EXPECT_EQ(life.published().start,
            (bus::Start{.is_warm = true, .cold_because = {}, .cold_ms = 480}));
}

TEST(Warm, ASpareThatFailsIsReplacedByAColdStart) {
  Life life = killed_after_a_cold_start();
  life(Spawned{.pid = 200, .is_warm = true, .cold_because = {}});
  EXPECT_THAT(
      life(SpareFailed{.generation = 2, .why = "the spare has ended"}),
      ElementsAre("StopProbe", testing::StartsWith("Publish Killing 2"), "KillTree",
                  "Say Killing: the spare has ended; starting your server without the spare"));
  EXPECT_THAT(life(exited(2)), IsEmpty()) << "its end is no failure of the server";
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 3"));
  life(Spawned{.pid = 300, .cold_because = "the spare has ended"});
  EXPECT_THAT(life(Answered{.generation = 3}, milliseconds(490)),
              testing::Contains("Say Running: generation 3 answers after 490 ms (cold: the spare "
                                "has ended), 550 ms after src/a.py changed"));
}

TEST(Warm, ASpareThatFailsIsReplacedWithoutAnotherBuild) {
  Life life({.command = {"./server"}, .steps = {build_step("make")}});
  life.after(Begun{}, TreeGone{}, tree(1));
  life.after(StepEnded{.problem = {}, .output_tail = {}}, Spawned{.pid = 100, .is_warm = true});
  life(SpareFailed{.generation = 1, .why = "the spare has ended"});
  EXPECT_THAT(life(TreeGone{}), ElementsAre("Spawn 2"));
}

TEST(Warm, OnlyTheSpareOfThisGenerationFails) {
  Life life = killed_after_a_cold_start();
  life(Spawned{.pid = 200, .is_warm = true, .cold_because = {}});
  EXPECT_THAT(life(SpareFailed{.generation = 1, .why = "too late"}), IsEmpty());
  life(Answered{.generation = 2});
  EXPECT_THAT(life(SpareFailed{.generation = 2, .why = "too late"}), IsEmpty());
}

TEST(Warm, AStopKillsTheSpareThatHasNoBackendBesideIt) {
  Life life({.command = {"./server"}, .has_spares = true});
  life.after(Begun{}, TreeGone{}, tree(1), Spawned{.pid = 100}, exited(1), TreeGone{});
  EXPECT_EQ(life.state(), Backend::State::Error);
  EXPECT_THAT(life(StopRequested{}), testing::Contains("KillTree"));
  EXPECT_THAT(life(TreeGone{}), testing::Contains("Leave"));
}

// ---- reports of the probe -----------------------------------------------------------------------

TEST(Delay, IsTheReasonThatTheProbeReports) {
  Life life = begun();
  life(Spawned{.pid = 100});
  const auto saw = [](Sight::Is is, std::string beginning = "") {
    return ProbeSaw{
        .generation = 1,
        .sight = {.is = is, .address = "127.0.0.1:8001", .beginning = std::move(beginning)}};
  };
  life(saw(Sight::Is::NoListener));
  EXPECT_EQ(life.published().delay, "nothing listens on 127.0.0.1:8001");
  life(saw(Sight::Is::Silence));
  EXPECT_EQ(life.published().delay, "127.0.0.1:8001 accepts connections, but has not answered yet");
  life(saw(Sight::Is::NoAnswer));
  EXPECT_EQ(life.published().delay, "127.0.0.1:8001 ends connections without an answer");
  life(saw(Sight::Is::NotHttp, "SSH-2.0\r\n"));
  EXPECT_EQ(life.published().delay,
            R"(127.0.0.1:8001 does not answer in HTTP/1: its answer begins with "SSH-2.0??")");
  life(Answered{.generation = 1});
  EXPECT_EQ(life.published().delay, "");
  EXPECT_THAT(life(saw(Sight::Is::Silence)), IsEmpty()) << "the report comes too late";
}

// ---- a server that announces that it is ready ---------------------------------------------------

Life announced_life() {
  return begun(Life({.command = {"python3", "app.py"}, .is_announced = true}));
}

TEST(Announcement, ComesBeforeTheProbe) {
  Life life = announced_life();
  life(Spawned{.pid = 100});
  EXPECT_EQ(life.all<AwaitAnnouncement>(), std::vector{AwaitAnnouncement{1}});
  EXPECT_THAT(life.all<StartProbe>(), IsEmpty());
  EXPECT_THAT(life(Announced{7}), IsEmpty()) << "another generation";
  life(ProbeSaw{.generation = 1,
                .sight = {.is = Sight::Is::NoMessage, .address = {}, .beginning = {}}});
  EXPECT_EQ(life.published().delay, "your server has not sent READY=1 yet (--ready notify)");
  life(Announced{1});
  EXPECT_EQ(life.all<StartProbe>(), std::vector{StartProbe{1}});
  EXPECT_EQ(life.published().delay, "");
  EXPECT_EQ(life.state(), Backend::State::Loading);
  EXPECT_THAT(life(Announced{1}), IsEmpty()) << "once more";
  life(Answered{.generation = 1});
  EXPECT_EQ(life.state(), Backend::State::Running);
}

TEST(Announcement, IsAwaitedFromEachGeneration) {
  Life life = announced_life();
  life.after(Spawned{.pid = 100}, Announced{1}, Answered{.generation = 1}, tree(2), TreeGone{});
  life(Spawned{.pid = 200});
  EXPECT_EQ(life.all<AwaitAnnouncement>(), std::vector{AwaitAnnouncement{2}});
  EXPECT_FALSE(life.published().announced);
}

TEST(Announcement, IsNotAwaitedFromAServerThatHasEnded) {
  Life life = announced_life();
  life(Spawned{.pid = 100});
  life(exited(1));
  EXPECT_EQ(life.all<StopProbe>().size(), 1U);
  EXPECT_EQ(life.state(), Backend::State::Error);
  EXPECT_THAT(life(Announced{1}), IsEmpty());
}

TEST(Announcement, SurvivesACrashOfSupervisord) {
  const Backend::Settings settings{.command = {"python3", "app.py"}, .is_announced = true};
  for (const bool has_announced : {false, true}) {
    Life life = announced_life();
    life(Spawned{.pid = 100});
    if (has_announced) life(Announced{1});
    const bus::BackendState last = life.published();
    Life next(settings);
    next(Begun{.last = last});
    EXPECT_EQ(next.all<AwaitAnnouncement>().size(), has_announced ? 0U : 1U);
    EXPECT_EQ(next.all<StartProbe>().size(), has_announced ? 1U : 0U);
  }
}

TEST(Announcement, IsNamedIfItIsLate) {
  Life life = announced_life();
  life(Spawned{.pid = 100});
  const auto line = [&](Sight sight) {
    life(ProbeSaw{.generation = 1, .sight = std::move(sight), .is_late = true});
    return life.all<Say>().front().brief->headword + life.all<Say>().front().brief->text;
  };
  EXPECT_EQ(line({.is = Sight::Is::NoLine, .elsewhere = {"port 8001"}, .detail = "on port"}),
            "still starting after 5000 ms: no line of your server's output matches on port yet "
            "(--ready line), although it listens on port 8001. Compare REGEX with the line that it "
            "prints when it is ready. If it has printed the line, it may keep it in a buffer "
            "(PYTHONUNBUFFERED=1)");
  EXPECT_EQ(line({.is = Sight::Is::NoMessage, .detail = "Loading 4 %"}),
            "still starting after 5000 ms: your server has not sent READY=1 yet (--ready notify); "
            "its status is: Loading 4 %");
  EXPECT_EQ(
      line({.is = Sight::Is::NoMessage, .elsewhere = {"port 8001"}}),
      "still starting after 5000 ms: your server has not sent READY=1 yet (--ready notify), "
      "although it listens on port 8001. If it does not call sd_notify(3), leave --ready out");
  life(Announced{1});
  EXPECT_EQ(line({.is = Sight::Is::NoListener, .address = "127.0.0.1:8001"}),
            "still starting 5000 ms after your server said that it is ready: nothing listens on "
            "127.0.0.1:8001");
}

TEST(Backend, SaysOnceWhatItSeesIfTheServerIsLate) {
  Life life = begun();
  life(Spawned{.pid = 100});
  const auto line = [&](Sight sight) {
    sight.address = "127.0.0.1:8001";
    life(ProbeSaw{.generation = 1, .sight = std::move(sight), .is_late = true});
    const auto said = life.all<Say>();
    return said.empty() ? "" : said.front().brief->headword + said.front().brief->text;
  };
  EXPECT_EQ(line({.is = Sight::Is::NoListener}),
            "still starting after 5000 ms: nothing listens on 127.0.0.1:8001");
  EXPECT_EQ(line({.is = Sight::Is::NoListener, .elsewhere = {"port 9000"}}),
            "still starting after 5000 ms: your server listens on port 9000, but hpp expects it on "
            "127.0.0.1:8001. Let both name the same port");
  EXPECT_EQ(line({.is = Sight::Is::NoListener, .tracer = "pid 7 (gdb)"}),
            "still starting after 5000 ms: pid 7 (gdb) holds it for debugging. It goes on when the "
            "debugger lets it");
  EXPECT_EQ(
      line({.is = Sight::Is::Silence}),
      "still starting after 5000 ms: 127.0.0.1:8001 accepts connections, but has not answered "
      "yet. If it never answers HEAD /, use --ready tcp or --ready-path");
  EXPECT_EQ(life.all<Say>().front().text.substr(0, 30), "Loading: no answer after 5000 ");
  EXPECT_EQ(line({.is = Sight::Is::Nothing}), "") << "nothing was tried";
  life(ProbeSaw{.generation = 1, .sight = {.is = Sight::Is::Silence}});
  EXPECT_TRUE(life.all<Say>().empty()) << "it is not late";
}

}  // namespace
}  // namespace hpp::supervisord
