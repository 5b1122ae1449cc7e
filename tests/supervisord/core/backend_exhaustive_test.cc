// Tries every sequence of events up to a length, in a model of the processes, and checks the
// guarantees of core/backend after each step.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisord/core/backend.h"
#include "tests/support/walk.h"

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

// The greatest depth that takes only a few seconds.
#ifdef HPP_SANITIZED
constexpr int kDepth = 7;
#else
constexpr int kDepth = 8;
#endif

class World;

struct Move {
  enum class Kind {
    AnswerToSpawn,  // comes before anything else
    Crash,          // may come at any time
    Other,
  };

  const char* name;
  Kind kind;
  bool (*is_possible)(const World&);
  void (*make)(World&);
};

// The backend's core, and a model of the processes and timers that its effects act on.
class World : public test::Rules {
 public:
  explicit World(Backend::Settings settings = {.command = {"server"}})
      : settings_(std::move(settings)),
        backend_(settings_, bus::BackendState{.generation = kSpawnsBefore}) {
    tree_.stamp.epoch = 0;
    take(Begun{});
  }

  // Each change is one of this file, so that the core may suspect a restart loop.
  void name_changes(const std::string& file) { tree_.changed = {file}; }

  bool allows(const Move& move) const {
    const bool has_turn = spawn_due_ == (move.kind == Move::Kind::AnswerToSpawn);
    return (has_turn || move.kind == Move::Kind::Crash) && move.is_possible(*this);
  }

  void make(const Move& move) { move.make(*this); }

  // Adds the moves Pause and Resume, which make the walk much longer.
  void allow_pauses() { may_pause_ = true; }

  bool has_moved_on(const World&) const { return true; }

  static const std::vector<Move> kMoves;
  static constexpr std::size_t kGoodMoves = 6;  // the first ones, which answer effects well

  // Answers all pending effects until there are none. This must lead to the required final state.
  void recover() {
    for (bool moved = true; moved && broken() == nullptr;) {
      moved = tree_due_ && !spawn_due_;
      if (moved) see_tree(true);
      if (published_.paused && !spawn_due_) {
        moved = true;
        take(ResumeRequested{});
      }
      for (std::size_t i = 0; i < kGoodMoves; ++i) {
        if (broken() != nullptr || !allows(kMoves[i])) continue;
        moved = true;
        make(kMoves[i]);
      }
    }
    if (stop_asked_) return require(left_, "asked to stop and did not leave");
    require(published_.restarts_done == restarts_asked_, "a request has no outcome");
    if (backend_.state() == Backend::State::Error) {
      return require(published_.seen == tree_.point(), "Error does not know the newest tree");
    }
    require(backend_.state() == Backend::State::Running, "does not run in the end");
    require(published_.serves == tree_.point(), "does not serve the newest tree");
  }

  static const Move& named(std::string_view name) {
    return *std::find_if(kMoves.begin(), kMoves.end(),
                         [&](const Move& move) { return move.name == name; });
  }

 private:
  static constexpr std::uint64_t kSpawnsBefore = 5;

  bool knows_tree() const { return tree_.stamp.epoch != 0; }

  void see_tree_of_new_epoch() {
    ++tree_.stamp.epoch;
    tree_.revision = 0;
    see_tree(true);
  }

  void end_step(int status) {
    build_runs_ = false;
    if (status == 0) ++steps_done_;
    take(StepEnded{.status = {.number = status}, .problem = {}, .output_tail = "x"});
  }

  template <class Event>
  void answer_spawn(const Event& event) {
    spawn_due_ = false;
    take(event);
  }

  void answer_probe(const std::string& address, const std::string& stranger) {
    take(Answered{
        .generation = std::exchange(probed_, 0), .address = address, .stranger = stranger});
  }

  void exit(std::uint64_t generation) {
    const int code = settings_.retries == 0 ? 0 : 1;
    take(ProcessExited{.generation = generation, .status = {.number = code}, .output_tail = "x"});
  }

  bool may_crash() const { return !crashed_ && !stop_asked_; }

  // The next supervisord starts from the last snapshot, unless the service manager's store has kept
  // nothing. A spawn that was in progress may have succeeded.
  void crash(bool forgotten) {
    crashed_ = true;
    if (spawn_due_) first_lives_ = tree_lives_ = true;
    spawn_due_ = kill_due_ = build_runs_ = timer_due_ = false;
    probed_ = awaited_ = 0;
    restarts_asked_ = 0;
    steps_done_ = 0;
    tree_due_ = knows_tree();
    generation_ = published_.generation;
    backend_ = Backend(settings_, published_);
    const bool lived = published_.state == bus::BackendPhase::Loading ||
                       published_.state == bus::BackendPhase::Running;
    if (forgotten || (lived && published_.pid == 0)) return take(Begun{});
    take(Begun{.last = published_});
  }

  void see_tree(bool watching) {
    tree_.watching = watching;
    tree_due_ = false;
    const auto before = backend_.state();
    const bool keeps = before == Backend::State::Rebuilding ||
                       (before == Backend::State::Running && settings_.keep_last_good);
    const bool notes = published_.paused &&
                       (before == Backend::State::Loading || before == Backend::State::Failing ||
                        before == Backend::State::Running || before == Backend::State::Error);
    const bool served = before == Backend::State::Loading || before == Backend::State::Building ||
                        (before == Backend::State::Running && !keeps);
    const bool change = published_.seen != tree_.point();
    take(TreeSeen{tree_});
    const auto after = backend_.state();
    if (notes) {
      require(after == before, "a change during a pause is not only noted");
      return require(!change || published_.noted == tree_.point(), "a change was not noted");
    }
    require(!served || change == (after == Backend::State::Killing),
            "a change kills, anything else does not");
    require(!keeps || !change || after == Backend::State::Rebuilding,
            "the last good one was not kept");
  }

  void toggle() {
    const bool was_paused = published_.paused;
    take(PauseToggled{});
    const auto after = backend_.state();
    const bool ends = after == Backend::State::Stopping || after == Backend::State::Left;
    if (spawn_due_) return;  // the end of the pause is published with its answer
    require(published_.paused != was_paused || ends, "the pause was not toggled");
  }

  void pass(milliseconds time) {
    now_.steady += time;
    now_.wall_ms += time.count();
  }

  void take(const Event& event) {
    pass(milliseconds(1));
    const Effects effects = backend_.on(event, now_);
    if (left_) return require(effects.empty(), "effects after Leave");
    for (const Effect& effect : effects) {
      require(!spawn_due_, "an effect after Spawn");
      std::visit([this](const auto& e) { perform(e); }, effect);
    }
    if (!spawn_due_) check();
  }

  void perform(const Spawn& e) {
    spawn_due_ = true;
    require(!tree_lives_ && !kill_due_, "two backends");
    require(!stop_asked_, "spawned after the stop");
    require(!build_runs_, "spawned while a build runs");
    require(steps_done_ == settings_.steps.size(), "spawned before the last step");
    // In a pause, a spawn is retried with the old build.
    const bus::TreePoint& newest =
        published_.noted.epoch == 0 ? published_.seen : published_.serves;
    require(settings_.steps.empty() || built_for_ == newest, "spawned what is not built");
    // With a build, generations may be skipped: those whose build failed were never spawned.
    const bool is_next = e.generation == generation_ + 1;
    const bool is_again = e.generation == generation_ && !was_spawned_;
    require(is_next || is_again || (!settings_.steps.empty() && e.generation > generation_),
            "a generation left out");
    generation_ = e.generation;
    was_spawned_ = false;
  }

  void perform(const RunStep& e) {
    if (settings_.steps.empty()) return require(false, "builds what cannot be built");
    require(!tree_lives_ || settings_.keep_last_good, "builds beside a backend");
    require(!kill_due_ && !stop_asked_, "builds while all is being killed");
    require(!std::exchange(build_runs_, true), "two builds");
    if (e.command == settings_.steps.front().command) {
      steps_done_ = 0;
      built_for_ = published_.seen;
    }
    require(built_for_ == published_.seen, "a step sees other files than the one before it");
    require(e.command == settings_.steps.at(steps_done_).command, "a step left out");
  }

  void perform(const KillTree&) { require(!std::exchange(kill_due_, true), "killed twice"); }

  void perform(const AwaitAnnouncement& e) {
    require(settings_.is_announced, "waits for an announcement without the option");
    require(probed_ == 0 && awaited_ == 0, "waits twice");
    awaited_ = e.generation;
    require(first_lives_ && e.generation == generation_, "waits for what is not there");
  }

  void perform(const StartProbe& e) {
    require(!settings_.is_announced || announced_ == e.generation, "probes what is not ready");
    require(probed_ == 0 || e.of == StartProbe::Of::AnyProcess, "two probes");
    probed_ = e.generation;
    asks_ = e.of;
    require(first_lives_ && e.generation == generation_, "probes what is not there");
  }

  void perform(const StopProbe&) {
    const bool waits = std::exchange(awaited_, 0) != 0;
    require((std::exchange(probed_, 0) != 0) != waits, "stopped no probe");
  }

  void perform(const Publish& e) {
    require(e.snapshot.generation >= published_.generation, "the generation goes back");
    published_ = e.snapshot;
  }

  void perform(const Say&) {}

  void perform(const StartTimer&) { timer_due_ = true; }

  void perform(const Leave&) {
    left_ = true;
    require(stop_asked_, "left unasked");
    require(!tree_lives_ && !kill_due_, "left an orphan");
  }

  bool is_published(bus::BackendPhase phase) const { return published_.state == phase; }

  void check() {
    using enum bus::BackendPhase;
    const bool builds = backend_.state() == Backend::State::Building ||
                        backend_.state() == Backend::State::Rebuilding;
    const bool is_loading = backend_.state() == Backend::State::Loading;
    const bool has_reason = published_.exit.has_value() || !published_.problem.empty();
    const bool goes_on = is_published(Running) && settings_.keep_last_good;
    require(is_published(Error) == has_reason || goes_on,
            "Error without a reason, or a reason without Error");
    require(!builds || build_runs_ || timer_due_, "stuck in a build");
    const bool is_strangers = is_published(Running) && !published_.stranger.empty();
    // While an answer is held back, the probe has already ended, and a timer runs.
    require((probed_ + awaited_ != 0) == (is_loading || is_strangers) || (is_loading && timer_due_),
            "the probe runs while Loading or while a stranger answers, and only then");
    require(!is_published(Running) || !published_.address.empty(), "Running nowhere");
    const bool has_noted = published_.noted.epoch != 0;
    require(published_.paused || !has_noted, "a noted change is forgotten");
    require(!has_noted || published_.noted != published_.serves, "noted, although it is served");
    switch (backend_.state()) {
      case Backend::State::Starting:
        require(kill_due_ || timer_due_, "stuck in Starting");
        return require(is_published(Loading), "Starting is published as Loading");
      case Backend::State::Waiting:
        require(timer_due_, "waits for ever");
        require(!tree_lives_ && !kill_due_, "waits beside a backend");
        require(published_.serves == published_.seen, "will not serve the newest tree");
        [[fallthrough]];
      case Backend::State::Building:
        return require(is_published(Loading) && published_.pid == 0,
                       "Waiting and Building are published as Loading");
      case Backend::State::Rebuilding:
        require(first_lives_, "keeps what is dead");
        return require(is_published(Running), "Rebuilding is published as Running");
      case Backend::State::Loading:
        require(is_published(Loading), "Loading not published");
        return require(published_.pid != 0 && published_.ready_at_ms == 0, "odd facts in Loading");
      case Backend::State::Failing:
        require(!first_lives_ || kill_due_, "called failed while it lives");
        require(!tree_lives_ || kill_due_, "the remains are not being killed");
        require(timer_due_, "never reports a failure");
        return require(is_published(Loading) && published_.pid == 0,
                       "Failing is published as Loading");
      case Backend::State::Running:
        require(is_published(Running), "Running not published");
        return require(published_.pid != 0 && published_.ready_at_ms != 0, "odd facts in Running");
      case Backend::State::Error:
        // A backend that was spawned, but not published before the crash, may still be dying.
        require(!first_lives_ || kill_due_, "called dead while it lives");
        require(!tree_lives_ || kill_due_, "the remains are not being killed");
        require(was_spawned_ || crashed_ || timer_due_ || !settings_.steps.empty(),
                "a spawn that failed is not tried again");
        return require(is_published(Error) && published_.pid == 0, "Error not published");
      case Backend::State::Killing:
      case Backend::State::Stopping:
        require(is_published(Killing), "Killing not published");
        return require(kill_due_, "Killing without a kill in progress");
      case Backend::State::Left:
        return require(left_, "Left without leaving");
    }
  }

  Backend::Settings settings_;
  Backend backend_;
  Now now_;
  bus::TreeState tree_;
  bus::BackendState published_;
  std::uint64_t generation_ = kSpawnsBefore;
  std::uint64_t probed_ = 0;
  std::uint64_t awaited_ = 0;    // the generation whose announcement is awaited; 0: none
  std::uint64_t announced_ = 0;  // the newest generation that has announced that it is ready
  StartProbe::Of asks_ = StartProbe::Of::Tree;
  bool was_spawned_ = true;   // generation_ was spawned; false if the spawn has failed or is due
  bool first_lives_ = false;  // the backend's first process lives
  bool tree_lives_ = false;   // that process or a descendant lives
  bool build_runs_ = false;
  bus::TreePoint built_for_;
  std::size_t steps_done_ = 0;  // the number of steps that have succeeded for built_for_
  bool spawn_due_ = false;
  bool kill_due_ = false;
  bool timer_due_ = false;
  bool stop_asked_ = false;
  std::uint64_t restarts_asked_ = 0;  // restarts that were requested from this supervisord
  bool crashed_ = false;              // supervisord has crashed, which happens at most once
  bool tree_due_ = false;             // supervisord has received no tree since it crashed
  bool left_ = false;
  bool may_pause_ = false;
};

using Kind = Move::Kind;

const std::vector<Move> World::kMoves{
    {"Gone", Kind::Other, [](const World& w) { return w.kill_due_; },
     [](World& w) {
       w.kill_due_ = w.first_lives_ = w.tree_lives_ = w.build_runs_ = false;
       w.take(TreeGone{});
     }},
    {"SpawnWorks", Kind::AnswerToSpawn, [](const World&) { return true; },
     [](World& w) {
       w.first_lives_ = w.tree_lives_ = w.was_spawned_ = true;
       w.answer_spawn(Spawned{.pid = 100});
     }},
    {"Announce", Kind::Other, [](const World& w) { return w.awaited_ != 0; },
     [](World& w) {
       w.announced_ = std::exchange(w.awaited_, 0);
       w.take(Announced{w.announced_});
     }},
    {"BuildWorks", Kind::Other, [](const World& w) { return w.build_runs_; },
     [](World& w) { w.end_step(0); }},
    {"Answer", Kind::Other, [](const World& w) { return w.probed_ != 0; },
     [](World& w) { w.answer_probe("here", ""); }},
    {"TimerExpires", Kind::Other, [](const World& w) { return w.timer_due_; },
     [](World& w) {
       w.timer_due_ = false;
       w.take(TimerExpired{});
     }},
    {"FirstTree", Kind::Other, [](const World& w) { return !w.knows_tree(); },
     [](World& w) { w.see_tree_of_new_epoch(); }},
    {"OtherEpoch", Kind::Other, [](const World& w) { return w.knows_tree(); },
     [](World& w) { w.see_tree_of_new_epoch(); }},
    {"Change", Kind::Other, [](const World& w) { return w.knows_tree(); },
     [](World& w) {
       ++w.tree_.revision;
       w.see_tree(true);
     }},
    {"SameTree", Kind::Other, [](const World& w) { return w.knows_tree(); },
     [](World& w) { w.see_tree(true); }},
    {"BlindTree", Kind::Other, [](const World&) { return true; },
     [](World& w) {
       if (!w.knows_tree()) w.tree_.stamp.epoch = 1;
       w.see_tree(false);
     }},
    {"Restart", Kind::Other, [](const World&) { return true; },
     [](World& w) {
       ++w.restarts_asked_;
       w.take(RestartRequested{});
     }},
    {"Pause", Kind::Other, [](const World& w) { return w.may_pause_ && !w.published_.paused; },
     [](World& w) { w.take(PauseRequested{}); }},
    {"Resume", Kind::Other, [](const World& w) { return w.published_.paused; },
     [](World& w) { w.take(ResumeRequested{}); }},
    {"Toggle", Kind::Other, [](const World& w) { return w.may_pause_; },
     [](World& w) { w.toggle(); }},
    {"Stop", Kind::Other, [](const World&) { return true; },
     [](World& w) {
       w.stop_asked_ = true;
       w.take(StopRequested{});
     }},
    {"SpawnFails", Kind::AnswerToSpawn, [](const World&) { return true; },
     [](World& w) { w.answer_spawn(SpawnFailed{"No such file or directory"}); }},
    {"PortIsTaken", Kind::AnswerToSpawn, [](const World&) { return true; },
     [](World& w) { w.answer_spawn(PortTaken{.port = 1, .by = "somebody", .pid = 0}); }},
    {"BuildFails", Kind::Other, [](const World& w) { return w.build_runs_; },
     [](World& w) { w.end_step(2); }},
    {"OldAnswer", Kind::Other, [](const World& w) { return w.generation_ > kSpawnsBefore + 1; },
     [](World& w) {
       w.take(Answered{.generation = w.generation_ - 1, .address = "here", .stranger = {}});
     }},
    {"StrangerListens", Kind::Other,
     [](const World& w) { return w.probed_ != 0 && w.asks_ == StartProbe::Of::Tree; },
     [](World& w) {
       w.take(StrangerListens{w.probed_});
       w.pass(kStrangerWait);
       w.take(StrangerListens{w.probed_});
     }},
    {"StrangerAnswers", Kind::Other,
     [](const World& w) { return w.probed_ != 0 && w.asks_ == StartProbe::Of::AnyProcess; },
     [](World& w) { w.answer_probe("there", "x"); }},
    {"Exit", Kind::Other, [](const World& w) { return w.first_lives_; },
     [](World& w) {
       w.first_lives_ = false;
       w.exit(w.generation_);
     }},
    {"SpareFails", Kind::Other, [](const World& w) { return w.first_lives_; },
     [](World& w) {
       w.take(SpareFailed{.generation = w.generation_, .why = "the spare has ended"});
     }},
    {"OldExit", Kind::Other, [](const World& w) { return w.generation_ > kSpawnsBefore + 1; },
     [](World& w) { w.exit(w.generation_ - 1); }},
    {"Crash", Kind::Crash, [](const World& w) { return w.may_crash(); },
     [](World& w) { w.crash(false); }},
    {"CrashForgotten", Kind::Crash, [](const World& w) { return w.may_crash(); },
     [](World& w) { w.crash(true); }},
};

using Moves = std::vector<const char*>;

// Walks from the world after these moves, so that the walk starts at the interesting part. If Pause
// is one of them, the walk has pauses. If `file` is given, each change is one of that file.
void walk_from(const Moves& moves, int depth,
               const Backend::Settings& settings = {.command = {"server"}},
               const std::string& file = "") {
  World world(settings);
  if (std::count(moves.begin(), moves.end(), std::string_view("Pause")) > 0) world.allow_pauses();
  if (!file.empty()) world.name_changes(file);
  for (const char* name : moves) {
    const Move& move = World::named(name);
    ASSERT_TRUE(world.allows(move)) << name;
    world.make(move);
  }
  test::Walk<World, Move> walk(World::kMoves, depth, depth - 1);
  walk.from(world);
  EXPECT_GT(walk.histories(), 10'000);
}

// The moves `first`, and then `again` kSuspectRestarts times, except that the last time ends with
// `last` instead.
Moves suspicious(Moves first, const Moves& again, const Moves& last) {
  for (int i = 1; i < kSuspectRestarts; ++i) {
    first.insert(first.end(), again.begin(), again.end());
  }
  first.insert(first.end(), last.begin(), last.end());
  return first;
}

TEST(BackendExhaustive, KeepsItsGuaranteesFromTheBeginning) {
  walk_from({}, kDepth);
}

TEST(BackendExhaustive, KeepsItsGuaranteesFromRunning) {
  walk_from({"FirstTree", "Gone", "SpawnWorks", "Answer"}, kDepth - 1);
}

TEST(BackendExhaustive, KeepsItsGuaranteesWithAnAnnouncement) {
  walk_from({"FirstTree", "Gone", "SpawnWorks"}, kDepth - 2,
            {.command = {"server"}, .is_announced = true});
}

TEST(BackendExhaustive, KeepsItsGuaranteesWithRetries) {
  walk_from({"FirstTree", "Gone", "SpawnWorks", "Answer", "Exit"}, kDepth - 1,
            {.command = {"server"}, .retries = 2});
}

TEST(BackendExhaustive, KeepsItsGuaranteesWithRetriesInAPause) {
  walk_from({"FirstTree", "Gone", "SpawnWorks", "Answer", "Pause", "Exit"}, kDepth - 2,
            {.command = {"server"}, .retries = 1});
}

TEST(BackendExhaustive, KeepsItsGuaranteesWithABuild) {
  walk_from({"FirstTree", "Gone"}, kDepth - 2,
            {.command = {"server"}, .steps = {build_step("make")}});
}

TEST(BackendExhaustive, KeepsItsGuaranteesWithKeepLastGood) {
  walk_from({"FirstTree", "Gone", "BuildWorks", "BuildWorks", "SpawnWorks", "Answer"}, kDepth - 2,
            {.command = {"server"},
             .steps = {build_step("make"), build_step("migrate")},
             .keep_last_good = true});
}

TEST(BackendExhaustive, KeepsItsGuaranteesInAPause) {
  walk_from({"FirstTree", "Gone", "SpawnWorks", "Answer", "Pause"}, kDepth - 2);
}

TEST(BackendExhaustive, KeepsItsGuaranteesInAPauseWithABuild) {
  walk_from({"FirstTree", "Gone", "BuildWorks", "SpawnWorks", "Answer", "Pause"}, kDepth - 2,
            {.command = {"server"}, .steps = {build_step("make")}});
}

TEST(BackendExhaustive, KeepsItsGuaranteesInAPauseWithKeepLastGood) {
  walk_from({"FirstTree", "Gone", "BuildWorks", "SpawnWorks", "Answer", "Pause"}, kDepth - 2,
            {.command = {"server"}, .steps = {build_step("make")}, .keep_last_good = true});
}

// From here on, the core suspects a restart loop, and holds the result of the start back.

TEST(BackendExhaustive, KeepsItsGuaranteesInAnExperiment) {
  const Moves again{"SpawnWorks", "Exit", "Gone", "Change"};
  walk_from(suspicious({"FirstTree", "Gone"}, again,
                       {"SpawnWorks", "Exit", "Gone", "Change", "TimerExpires", "SpawnWorks"}),
            kDepth - 2, {.command = {"server"}}, "db");
}

TEST(BackendExhaustive, KeepsItsGuaranteesInAnExperimentBeforeTheSpawn) {
  const Moves again{"SpawnWorks", "Exit", "Gone", "Change"};
  walk_from(suspicious({"FirstTree", "Gone"}, again,
                       {"SpawnWorks", "Exit", "Gone", "Change", "TimerExpires"}),
            kDepth - 2, {.command = {"server"}}, "db");
}

TEST(BackendExhaustive, KeepsItsGuaranteesInAnExperimentInAPause) {
  const Moves again{"SpawnWorks", "Exit", "Gone", "Change"};
  walk_from(
      suspicious({"FirstTree", "Gone"}, again,
                 {"SpawnWorks", "Exit", "Gone", "Change", "TimerExpires", "SpawnWorks", "Pause"}),
      kDepth - 2, {.command = {"server"}}, "db");
}

TEST(BackendExhaustive, KeepsItsGuaranteesInAnExperimentWithABuild) {
  const Moves again{"BuildFails", "Gone", "Change"};
  walk_from(
      suspicious({"FirstTree", "Gone"}, again, {"BuildFails", "Gone", "Change", "TimerExpires"}),
      kDepth - 2, {.command = {"server"}, .steps = {build_step("make")}}, "db");
}

TEST(BackendExhaustive, KeepsItsGuaranteesInAnExperimentWithKeepLastGood) {
  const Moves again{"Change", "BuildFails"};
  walk_from(suspicious({"FirstTree", "Gone", "BuildWorks", "SpawnWorks", "Answer"}, again,
                       {"Change", "TimerExpires"}),
            kDepth - 2,
            {.command = {"server"}, .steps = {build_step("make")}, .keep_last_good = true}, "db");
}

}  // namespace
}  // namespace hpp::supervisord
