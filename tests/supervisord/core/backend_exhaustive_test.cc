// Tries every sequence of events up to a length, in a model of the processes, and checks the
// guarantees of core/backend after each step.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "supervisord/core/backend.h"
#include "tests/supervisord/core/effects_text.h"

namespace hpp::supervisord {
namespace {

using std::chrono::milliseconds;

// The greatest depth that takes only a few seconds.
#ifdef HPP_SANITIZED
constexpr int kDepth = 7;
#else
constexpr int kDepth = 8;
#endif

enum class Move {
  FirstTree,
  Change,
  SameTree,
  OtherEpoch,
  BlindTree,
  Restart,
  Stop,
  SpawnWorks,
  SpawnFails,
  PortIsTaken,
  TimerExpires,
  Stranger,  // a stranger has listened for kStrangerWait, and no process of the tree listens
  StrangerAnswers,
  BuildWorks,
  BuildFails,
  Answer,
  OldAnswer,
  Exit,
  OldExit,
  Gone,
  Crash,           // supervisord crashes; the next one takes over from the service manager's store
  CrashForgotten,  // supervisord crashes; the service manager has kept nothing
};

constexpr std::array kMoves{
    Move::FirstTree,      Move::Change,          Move::SameTree,   Move::OtherEpoch,
    Move::BlindTree,      Move::Restart,         Move::Stop,       Move::SpawnWorks,
    Move::SpawnFails,     Move::PortIsTaken,     Move::Answer,     Move::OldAnswer,
    Move::Exit,           Move::OldExit,         Move::Gone,       Move::Crash,
    Move::CrashForgotten, Move::BuildWorks,      Move::BuildFails, Move::TimerExpires,
    Move::Stranger,       Move::StrangerAnswers,
};

const char* to_string(Move move) {
  switch (move) {
    case Move::FirstTree:
      return "FirstTree";
    case Move::Change:
      return "Change";
    case Move::SameTree:
      return "SameTree";
    case Move::OtherEpoch:
      return "OtherEpoch";
    case Move::BlindTree:
      return "BlindTree";
    case Move::Restart:
      return "Restart";
    case Move::Stop:
      return "Stop";
    case Move::SpawnWorks:
      return "SpawnWorks";
    case Move::SpawnFails:
      return "SpawnFails";
    case Move::PortIsTaken:
      return "PortIsTaken";
    case Move::TimerExpires:
      return "TimerExpires";
    case Move::Stranger:
      return "Stranger";
    case Move::StrangerAnswers:
      return "StrangerAnswers";
    case Move::BuildWorks:
      return "BuildWorks";
    case Move::BuildFails:
      return "BuildFails";
    case Move::Answer:
      return "Answer";
    case Move::OldAnswer:
      return "OldAnswer";
    case Move::Exit:
      return "Exit";
    case Move::OldExit:
      return "OldExit";
    case Move::Gone:
      return "Gone";
    case Move::Crash:
      return "Crash";
    case Move::CrashForgotten:
      return "CrashForgotten";
  }
  return "";
}

// The backend's core, and a model of the processes and timers that its effects act on.
class World {
 public:
  explicit World(Backend::Settings settings = {.command = {"server"}})
      : settings_(std::move(settings)), backend_(settings_, kSpawnsBefore) {
    tree_.stamp.epoch = 0;
    take(Begun{});
  }

  bool allows(Move move) const {
    const bool answers_spawn =
        move == Move::SpawnWorks || move == Move::SpawnFails || move == Move::PortIsTaken;
    if (move == Move::Crash || move == Move::CrashForgotten) return !crashed_ && !stop_asked_;
    if (spawn_due_ || answers_spawn) return spawn_due_ && answers_spawn;
    const bool known = tree_.stamp.epoch != 0;
    switch (move) {
      case Move::FirstTree:
        return !known;
      case Move::Change:
      case Move::SameTree:
      case Move::OtherEpoch:
        return known;
      case Move::BlindTree:
      case Move::Restart:
      case Move::Stop:
        return true;
      case Move::Answer:
        return probed_ != 0;
      case Move::TimerExpires:
        return timer_due_;
      case Move::Stranger:
        return probed_ != 0 && asks_ == StartProbe::Of::Tree;
      case Move::StrangerAnswers:
        return probed_ != 0 && asks_ == StartProbe::Of::Anybody;
      case Move::OldAnswer:
      case Move::OldExit:
        return generation_ > kSpawnsBefore + 1;
      case Move::BuildWorks:
      case Move::BuildFails:
        return build_runs_;
      case Move::Exit:
        return first_lives_;
      case Move::Gone:
        return kill_due_;
      case Move::SpawnWorks:
      case Move::SpawnFails:
      case Move::PortIsTaken:
      case Move::Crash:
      case Move::CrashForgotten:
        return false;
    }
    return false;
  }

  // Makes the move. Returns the guarantee that is broken afterwards, or an empty text.
  std::string make(Move move) {
    switch (move) {
      case Move::FirstTree:
      case Move::OtherEpoch:
        ++tree_.stamp.epoch;
        tree_.revision = 0;
        return see_tree(true);
      case Move::Change:
        ++tree_.revision;
        return see_tree(true);
      case Move::SameTree:
        return see_tree(true);
      case Move::BlindTree:
        if (tree_.stamp.epoch == 0) tree_.stamp.epoch = 1;
        return see_tree(false);
      case Move::Restart:
        ++restarts_asked_;
        return take(RestartRequested{});
      case Move::Stop:
        stop_asked_ = true;
        return take(StopRequested{});
      case Move::SpawnWorks:
        spawn_due_ = false;
        first_lives_ = tree_lives_ = was_spawned_ = true;
        return take(Spawned{.pid = 100});
      case Move::SpawnFails:
        spawn_due_ = false;
        return take(SpawnFailed{"No such file or directory"});
      case Move::PortIsTaken:
        spawn_due_ = false;
        return take(PortTaken{.port = 1, .by = "somebody", .pid = 0});
      case Move::BuildWorks:
      case Move::BuildFails:
        build_runs_ = false;
        if (move == Move::BuildWorks) ++steps_done_;
        return take(StepEnded{.status = {.number = move == Move::BuildWorks ? 0 : 2},
                              .problem = {},
                              .output_tail = "x"});
      case Move::TimerExpires:
        timer_due_ = false;
        return take(TimerExpired{});
      case Move::Stranger: {
        const std::string wrong = take(StrangerListens{probed_});
        pass(kStrangerWait);
        return wrong + take(StrangerListens{probed_});
      }
      case Move::StrangerAnswers:
        return take(
            Answered{.generation = std::exchange(probed_, 0), .address = "there", .stranger = "x"});
      case Move::Answer:
        return take(
            Answered{.generation = std::exchange(probed_, 0), .address = "here", .stranger = {}});
      case Move::OldAnswer:
        return take(Answered{.generation = generation_ - 1, .address = "here", .stranger = {}});
      case Move::Exit:
        first_lives_ = false;
        return take(ProcessExited{.generation = generation_, .status = {}, .output_tail = "x"});
      case Move::OldExit:
        return take(ProcessExited{.generation = generation_ - 1, .status = {}, .output_tail = ""});
      case Move::Gone:
        kill_due_ = first_lives_ = tree_lives_ = build_runs_ = false;
        return take(TreeGone{});
      case Move::Crash:
        return crash(/*forgotten=*/false);
      case Move::CrashForgotten:
        return crash(/*forgotten=*/true);
    }
    return "";
  }

  // Answers all pending effects until there are none. Returns an empty text if that has led to the
  // required final state, else the difference.
  std::string settle() {
    constexpr std::array kAnswers{Move::Gone, Move::SpawnWorks, Move::BuildWorks, Move::Answer,
                                  Move::TimerExpires};
    for (bool moved = true; moved;) {
      moved = false;
      if (tree_due_ && !spawn_due_) {
        moved = true;
        if (std::string wrong = see_tree(true); !wrong.empty()) return "settling: " + wrong;
      }
      for (const Move move : kAnswers) {
        if (!allows(move)) continue;
        moved = true;
        if (std::string wrong = make(move); !wrong.empty()) return "settling: " + wrong;
      }
    }
    if (stop_asked_) return left_ ? "" : "asked to stop and did not leave";
    if (published_.restarts_done != restarts_asked_) return "a request has no outcome";
    if (backend_.state() == Backend::State::Error) {
      return published_.seen == tree_.point() ? "" : "Error does not know the newest tree";
    }
    if (backend_.state() != Backend::State::Running) return "does not run in the end";
    return published_.serves == tree_.point() ? "" : "does not serve the newest tree";
  }

 private:
  static constexpr std::uint64_t kSpawnsBefore = 5;

  // The next supervisord starts from the last snapshot. A spawn that was in progress may have
  // succeeded.
  std::string crash(bool forgotten) {
    crashed_ = true;
    if (spawn_due_) first_lives_ = tree_lives_ = true;
    spawn_due_ = kill_due_ = build_runs_ = timer_due_ = false;
    probed_ = 0;
    restarts_asked_ = 0;
    steps_done_ = 0;
    tree_due_ = tree_.stamp.epoch != 0;
    generation_ = published_.generation;
    backend_ = Backend(settings_, published_.generation);
    const bool lived = published_.state == bus::BackendPhase::Loading ||
                       published_.state == bus::BackendPhase::Running;
    if (forgotten || (lived && published_.pid == 0)) return take(Begun{});
    return take(Begun{.last = published_});
  }

  std::string see_tree(bool watching) {
    tree_.watching = watching;
    tree_due_ = false;
    const auto before = backend_.state();
    const bool keeps = before == Backend::State::Rebuilding ||
                       (before == Backend::State::Running && settings_.keep_last_good);
    const bool served = before == Backend::State::Loading || before == Backend::State::Building ||
                        (before == Backend::State::Running && !keeps);
    const bool change = published_.seen != tree_.point();
    std::string wrong = take(TreeSeen{tree_});
    if (!wrong.empty()) return wrong;
    if (served && change != (backend_.state() == Backend::State::Killing)) {
      return "a change kills, anything else does not";
    }
    if (keeps && change && backend_.state() != Backend::State::Rebuilding) {
      return "the last good one was not kept";
    }
    return "";
  }

  void pass(milliseconds time) {
    now_.steady += time;
    now_.wall_ms += time.count();
  }

  std::string take(const Event& event) {
    pass(milliseconds(1));
    if (left_ && !backend_.on(event, now_).empty()) return "effects after Leave";
    if (left_) return "";
    std::string wrong;
    for (const Effect& effect : backend_.on(event, now_)) {
      if (spawn_due_) return "an effect after Spawn";
      wrong += std::visit([this](const auto& e) { return perform(e); }, effect);
    }
    return wrong.empty() && !spawn_due_ ? check() : wrong;
  }

  std::string perform(const Spawn& e) {
    spawn_due_ = true;
    if (tree_lives_ || kill_due_) return "two backends";
    if (stop_asked_) return "spawned after the stop";
    if (build_runs_) return "spawned while a build runs";
    if (steps_done_ != settings_.steps.size()) return "spawned before the last step";
    if (!settings_.steps.empty() && built_for_ != published_.seen) {
      return "spawned what is not built";
    }
    // With a build, generations may be skipped: those whose build failed were never spawned.
    const bool is_next = e.generation == generation_ + 1;
    const bool is_again = e.generation == generation_ && !was_spawned_;
    if (!is_next && !is_again && (settings_.steps.empty() || e.generation <= generation_)) {
      return "a generation left out";
    }
    generation_ = e.generation;
    was_spawned_ = false;
    return "";
  }

  std::string perform(const RunStep& e) {
    if (settings_.steps.empty()) return "builds what cannot be built";
    if (tree_lives_ && !settings_.keep_last_good) return "builds beside a backend";
    if (kill_due_ || stop_asked_) return "builds while all is being killed";
    if (std::exchange(build_runs_, true)) return "two builds";
    if (e.command == settings_.steps.front().command) {
      steps_done_ = 0;
      built_for_ = published_.seen;
    }
    if (built_for_ != published_.seen) return "a step sees other files than the one before it";
    return e.command == settings_.steps.at(steps_done_).command ? "" : "a step left out";
  }

  std::string perform(const KillTree&) {
    if (std::exchange(kill_due_, true)) return "killed twice";
    return "";
  }

  std::string perform(const StartProbe& e) {
    if (probed_ != 0 && e.of != StartProbe::Of::Anybody) return "two probes";
    probed_ = e.generation;
    asks_ = e.of;
    return first_lives_ && e.generation == generation_ ? "" : "probes what is not there";
  }

  std::string perform(const StopProbe&) {
    if (std::exchange(probed_, 0) == 0) return "stopped no probe";
    return "";
  }

  std::string perform(const Publish& e) {
    if (e.snapshot.generation < published_.generation) return "the generation goes back";
    published_ = e.snapshot;
    return "";
  }

  std::string perform(const Say&) { return ""; }

  std::string perform(const StartTimer&) {
    timer_due_ = true;
    return "";
  }

  std::string perform(const Leave&) {
    left_ = true;
    if (!stop_asked_) return "left unasked";
    return tree_lives_ || kill_due_ ? "left an orphan" : "";
  }

  bool phase_is_running() const { return published_.state == bus::BackendPhase::Running; }

  std::string check() const {
    const bool error = published_.state == bus::BackendPhase::Error;
    const bool has_reason = published_.exit.has_value() || !published_.problem.empty();
    const bool goes_on = published_.state == bus::BackendPhase::Running && settings_.keep_last_good;
    if (error != has_reason && !goes_on) return "Error without a reason, or a reason without Error";
    const bool builds = backend_.state() == Backend::State::Building ||
                        backend_.state() == Backend::State::Rebuilding;
    if (builds && !build_runs_ && !timer_due_) return "stuck in a build";
    const bool is_strangers = phase_is_running() && !published_.stranger.empty();
    const bool is_loading = backend_.state() == Backend::State::Loading;
    // While an answer is held back, the probe has already ended, and a timer runs.
    if ((probed_ != 0) != (is_loading || is_strangers) && !(is_loading && timer_due_)) {
      return "the probe runs while Loading or while a stranger answers, and only then";
    }
    if (phase_is_running() && published_.address.empty()) return "Running nowhere";
    const bus::BackendPhase phase = published_.state;
    switch (backend_.state()) {
      case Backend::State::Starting:
        if (!kill_due_ && !timer_due_) return "stuck in Starting";
        return phase == bus::BackendPhase::Loading ? "" : "Starting is published as Loading";
      case Backend::State::Waiting:
        if (!timer_due_) return "waits for ever";
        if (tree_lives_ || kill_due_) return "waits beside a backend";
        if (published_.serves != published_.seen) return "will not serve the newest tree";
        return phase == bus::BackendPhase::Loading && published_.pid == 0
                   ? ""
                   : "Waiting is published as Loading";
      case Backend::State::Building:
        return phase == bus::BackendPhase::Loading && published_.pid == 0
                   ? ""
                   : "Building is published as Loading";
      case Backend::State::Rebuilding:
        if (!first_lives_) return "keeps what is dead";
        return phase == bus::BackendPhase::Running ? "" : "Rebuilding is published as Running";
      case Backend::State::Loading:
        if (phase != bus::BackendPhase::Loading) return "Loading not published";
        return published_.pid != 0 && published_.ready_at_ms == 0 ? "" : "odd facts in Loading";
      case Backend::State::Running:
        if (phase != bus::BackendPhase::Running) return "Running not published";
        return published_.pid != 0 && published_.ready_at_ms != 0 ? "" : "odd facts in Running";
      case Backend::State::Error:
        // A backend that was spawned, but not published before the crash, may still be dying.
        if (first_lives_ && !kill_due_) return "called dead while it lives";
        if (tree_lives_ && !kill_due_) return "the remains are not being killed";
        if (!was_spawned_ && !crashed_ && !timer_due_ && settings_.steps.empty()) {
          return "a spawn that failed is not tried again";
        }
        return error && published_.pid == 0 ? "" : "Error not published";
      case Backend::State::Killing:
      case Backend::State::Stopping:
        if (phase != bus::BackendPhase::Killing) return "Killing not published";
        return kill_due_ ? "" : "Killing without a kill in progress";
      case Backend::State::Left:
        return left_ ? "" : "Left without leaving";
    }
    return "";
  }

  Backend::Settings settings_;
  Backend backend_;
  Now now_;
  bus::TreeState tree_;
  bus::BackendState published_;
  std::uint64_t generation_ = kSpawnsBefore;
  std::uint64_t probed_ = 0;
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
};

class Explorer {
 public:
  void explore(const World& world, int depth) {
    ++histories_;
    if (depth == 0) return;
    World settled = world;
    if (std::string wrong = settled.settle(); !wrong.empty()) return fail(wrong);
    for (const Move move : kMoves) {
      if (failed_ || !world.allows(move)) continue;
      World next = world;
      history_.push_back(move);
      const std::string wrong = next.make(move);
      if (wrong.empty()) {
        explore(next, depth - 1);
      } else {
        fail(wrong);
      }
      history_.pop_back();
    }
  }

  long histories() const { return histories_; }

 private:
  void fail(const std::string& wrong) {
    failed_ = true;
    std::string moves;
    for (const Move move : history_) moves += std::string(" ") + to_string(move);
    ADD_FAILURE() << wrong << " after:" << moves;
  }

  std::vector<Move> history_;
  bool failed_ = false;
  long histories_ = 0;
};

// Returns the world after these moves, so that the exploration starts at the interesting part.
World after(const std::vector<Move>& moves,
            const Backend::Settings& settings = {.command = {"server"}}) {
  World world(settings);
  for (const Move move : moves) {
    EXPECT_TRUE(world.allows(move)) << to_string(move);
    EXPECT_EQ(world.make(move), "") << to_string(move);
  }
  return world;
}

TEST(BackendExhaustive, KeepsItsGuaranteesFromTheBeginning) {
  Explorer explorer;
  explorer.explore(World(), kDepth);
  RecordProperty("histories", std::to_string(explorer.histories()));
  EXPECT_GT(explorer.histories(), 10'000);
}

TEST(BackendExhaustive, KeepsItsGuaranteesFromRunning) {
  Explorer explorer;
  explorer.explore(after({Move::FirstTree, Move::Gone, Move::SpawnWorks, Move::Answer}),
                   kDepth - 1);
  RecordProperty("histories", std::to_string(explorer.histories()));
  EXPECT_GT(explorer.histories(), 10'000);
}

TEST(BackendExhaustive, KeepsItsGuaranteesWithABuild) {
  const Backend::Settings settings{.command = {"server"}, .steps = {build_step("make")}};
  Explorer explorer;
  explorer.explore(after({Move::FirstTree, Move::Gone}, settings), kDepth - 2);
  RecordProperty("histories", std::to_string(explorer.histories()));
  EXPECT_GT(explorer.histories(), 10'000);
}

TEST(BackendExhaustive, KeepsItsGuaranteesWithKeepLastGood) {
  const Backend::Settings settings{.command = {"server"},
                                   .steps = {build_step("make"), build_step("migrate")},
                                   .keep_last_good = true};
  Explorer explorer;
  explorer.explore(after({Move::FirstTree, Move::Gone, Move::BuildWorks, Move::BuildWorks,
                          Move::SpawnWorks, Move::Answer},
                         settings),
                   kDepth - 2);
  RecordProperty("histories", std::to_string(explorer.histories()));
  EXPECT_GT(explorer.histories(), 10'000);
}

}  // namespace
}  // namespace hpp::supervisord
