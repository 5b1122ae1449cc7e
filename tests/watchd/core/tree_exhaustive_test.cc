// Checks the invariants of Tree in every order of events up to a depth, sensible or not.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/walk.h"
#include "watchd/core/tree.h"

namespace hpp::watchd {
namespace {

using State = Tree::State;

// The length of the histories. A step under a sanitizer takes several times as long.
#ifdef HPP_SANITIZED
constexpr int kDepth = 5;
constexpr long kHistoriesMin = 5'000;
#else
constexpr int kDepth = 6;
constexpr long kHistoriesMin = 50'000;
#endif

struct Move {
  const char* name;
  Event event;
};

Event looked(const char* folder, const std::vector<GitLock>& locks = {}) {
  return Looked{.folder = folder, .locks = locks, .repositories = {}};
}

Event changed(const char* clock, const std::vector<ChangedFile>& files) {
  return Changed{.clock = clock, .files = files, .lost_track = {}};
}

const std::vector<Move> kMoves{
    {"began", Began{.clock = "c:1", .files = {}}},
    {"watching", Watching{}},
    {"changed", changed("c:4", {{.name = "a"}, {.name = "b"}})},
    {"lost track", Changed{.clock = "c:5", .files = {}, .lost_track = "why"}},
    {"delayed", Delayed{"why"}},
    {"lags", Lags{.lag = std::chrono::milliseconds{3000}, .why = "why"}},
    {"lags no more", Lags{}},
    {"lost", Lost{.why = "why", .clock = "c:6"}},
    {"synced", Synced{}},
    {"sync failed", SyncFailed{.why = "why"}},
    {"cannot sync", SyncFailed{.why = "why", .is_final = true}},
    {"ticket 1", TicketSeen{{.epoch = 1, .number = 1}}},
    {"ticket 2", TicketSeen{{.epoch = 1, .number = 2}}},
    {"ticket of another epoch", TicketSeen{{.epoch = 2, .number = 1}}},
    {"lock", looked("1", {GitLock{.path = "/r/.git/index.lock"}})},
    {"no lock", looked("1")},
    {"replaced", looked("2")},
    {"gone", looked("")},
    {"stirred", FolderStirred{}},
    {"TimerExpired", TimerExpired{}},
};

// Tree, and the state of the world as its effects show it.
class Model : public test::Rules {
 public:
  explicit Model(const std::optional<bus::TreeState>& resumed = {})
      : tree_({.directory = "/r", .resumed = resumed}), revision_(resumed ? resumed->revision : 0) {
    take(Started{});
  }

  bool is_watching() const { return tree_.state() == State::Watching; }

  // Whether the event can happen now. source.h says what a source may report.
  bool allows(const Move& move) const {
    const Event& event = move.event;
    if (std::holds_alternative<TimerExpired>(event)) return timer_;
    if (std::holds_alternative<Looked>(event)) return look_due_;
    if (std::holds_alternative<Began>(event)) return source_works_ && !has_begun_;
    if (std::holds_alternative<Delayed>(event)) return source_works_ && !has_begun_;
    if (std::holds_alternative<Changed>(event)) return source_works_;
    if (const auto* lags = std::get_if<Lags>(&event)) return source_works_ && lags->lag != lag_;
    if (std::holds_alternative<Lost>(event)) return source_works_;
    if (std::holds_alternative<Watching>(event)) return has_begun_ && !source_watches_;
    if (std::holds_alternative<Synced>(event)) return syncing_;
    if (std::holds_alternative<SyncFailed>(event)) return syncing_;
    return true;
  }

  void make(const Move& move) { take(move.event); }

  // Good events must lead to Watching. Then a ticket must be answered, and a change count once.
  void recover() {
    come_to_rest();
    take(TicketSeen{{.epoch = 3, .number = 1}});
    come_to_rest();
    const std::uint64_t revision = revision_;
    take(good_event());
    come_to_rest();
    require(revision_ == revision + 1, "a change did not count once");
  }

  void come_to_rest() {
    int steps = 0;
    while (!is_idle() && ++steps <= 20) take(good_event());
    require(is_idle(), "no way back to Watching, or to an answer");
    require(published_lag_ == lag_, "the published lag is not the source's");
    require(tree_.is_idle(), "Tree is not idle, and nothing is left to do");
  }

  // All that an event can change without an effect.
  auto facts() const {
    return std::tuple(timer_, source_works_, has_begun_, source_watches_, can_sync_, asked_,
                      syncing_, covered_, look_due_, is_locked_, lag_);
  }

  bool has_moved_on(const Model& before) const { return has_acted_ || facts() != before.facts(); }

 private:
  bool is_idle() const {
    return is_watching() && !is_wanted() && !settling_ && !look_due_ && !timer_ && !syncing_;
  }

  // The next event if the source works and git has finished.
  Event good_event() const {
    if (look_due_) return looked("1");
    if (tree_.state() == State::Backoff) return TimerExpired{};
    if (tree_.state() == State::Starting) {
      return has_begun_ ? Event(Watching{}) : changed("c:6", {});
    }
    if (syncing_) return Synced{};
    return timer_ ? Event(TimerExpired{}) : changed("c:7", {{.name = "z"}});
  }

  void take(const Event& event) {
    std::visit([this](const auto& e) { note(e); }, event);
    const Effects effects = tree_.on(event, {});
    has_acted_ = !effects.empty();
    for (const Effect& effect : effects) std::visit([this](const auto& e) { perform(e); }, effect);
    check(tree_.state());
  }

  template <class E>
  void note(const E&) {}

  void note(const TimerExpired&) { timer_ = false; }

  void note(const TicketSeen& seen) {
    if (!asked_.covers(seen.ticket)) asked_ = seen.ticket;
  }

  void note(const Looked& looked) {
    is_locked_ = !looked.locks.empty();
    look_due_ = false;
    if (is_locked_) covered_ = {};
  }

  void note(const Began& began) {
    has_begun_ = true;
    reported_clock_ = began.clock;
  }

  void note(const Changed& changed) {
    has_begun_ = true;
    reported_clock_ = changed.clock;
  }

  void note(const Lags& lags) { lag_ = lags.lag; }

  void note(const Watching&) { source_watches_ = can_sync_ = true; }

  void note(const Synced&) { syncing_ = false; }

  void note(const SyncFailed& failed) {
    syncing_ = false;
    covered_ = {};
    if (failed.is_final) can_sync_ = false;
  }

  void note(const Lost&) { end_watch(); }

  void end_watch() {
    source_works_ = has_begun_ = source_watches_ = syncing_ = false;
    covered_ = {};
    lag_ = {};
  }

  bool is_wanted() const { return can_sync_ && asked_.epoch != 0 && !answered_.covers(asked_); }

  void check(State state) {
    require(watching_ == (state == State::Watching), "published `watching` is not the state");
    require(watching_ == source_watches_, "published `watching` is not the source's state");
    require(state != State::Starting || source_works_ || look_due_, "no watch in Starting");
    require(state != State::Backoff || !source_works_, "Backoff, and the source works");
    require(state != State::Backoff || timer_, "no timer runs: no way out");
    const bool waits = state == State::Watching && (is_wanted() || settling_);
    require(!waits || timer_ || look_due_ || syncing_,
            "neither a timer, a look nor a Sync for an open ticket or unpublished changes");
    if (!tree_.is_idle()) return;
    require(watching_ && !settling_, "idle, and not watching, or git is writing");
    require(!timer_ && !look_due_ && !syncing_, "idle, and something is left to find out");
    require(published_clock_ == reported_clock_, "idle, and a report is not published");
  }

  void perform(const Watch&) {
    require(!source_works_, "Watch to a source that watches already");
    require(!timer_, "a timer runs while the source begins");
    source_works_ = true;
  }

  void perform(const Unwatch&) {
    require(source_works_, "Unwatch to a source that does not watch");
    end_watch();
  }

  void perform(const Sync&) {
    require(watching_, "a Sync without a watch");
    require(!syncing_, "two Syncs at a time");
    require(can_sync_, "a Sync to a source that cannot sync");
    require(!is_locked_ && !look_due_, "a Sync without a look, or in spite of a lock");
    syncing_ = true;
    covered_ = asked_;
  }

  void perform(const AskGit&) { require(false, "asks git without --gitignore"); }

  void perform(const Look&) {
    require(!look_due_, "two looks at a time");
    look_due_ = true;
  }

  void perform(const StartTimer& effect) {
    timer_ = true;
    require(effect.delay.count() > 0, "a timer without a delay");
  }

  void perform(const StopTimer&) { timer_ = false; }

  void perform(const Publish& effect) {
    const bus::TreeState& tree = effect.tree;
    const std::chrono::milliseconds published_lag(tree.lag_ms);
    require(tree.revision >= revision_, "the revision went back");
    require(tree.watching == tree.problem.empty(), "problem and watching differ");
    require(tree.changed.size() <= tree.changed_count, "more names than changes");
    require(!tree.watching || !tree.clock.empty(), "watching without a clock");
    require(!tree.settling || tree.watching, "settling, and not watching");
    require(!tree.watching || !watching_ || !is_locked_ || tree.revision == revision_,
            "a change is published while git writes");
    if (tree.answers != answered_) {
      require(tree.watching, "an answer, and not watching");
      require(!is_locked_ && !look_due_, "an answer without a look, or in spite of a lock");
      require(!syncing_ && tree.answers == covered_,
              "an answer to a ticket that no Sync has covered");
      require(published_lag == lag_, "an answer with a lag that is not the source's");
    }
    revision_ = tree.revision;
    published_lag_ = published_lag;
    watching_ = tree.watching;
    published_clock_ = tree.clock;
    settling_ = tree.settling;
    answered_ = tree.answers;
  }

  void perform(const Say& effect) {
    require(effect.text.find('\n') == std::string::npos, "a log line with a newline");
  }

  Tree tree_;
  bool has_acted_ = false;       // the last event had an effect
  bool timer_ = false;           // the timer runs
  bool source_works_ = false;    // Watch was performed; neither Lost nor Unwatch since
  bool has_begun_ = false;       // the source has reported Began or Changed
  bool source_watches_ = false;  // the source has reported Watching
  bool can_sync_ = true;
  std::chrono::milliseconds lag_{0};  // the source's newest Lags of this watch
  std::chrono::milliseconds published_lag_{0};
  std::uint64_t revision_;
  std::string reported_clock_;  // clock of the source's newest report
  std::string published_clock_;
  bool watching_ = false;
  bool settling_ = false;
  bus::Ticket asked_;
  bus::Ticket answered_;
  bool syncing_ = false;    // a Sync is in flight
  bus::Ticket covered_;     // newest ticket at the last Sync; none if a lock was seen since
  bool look_due_ = false;   // Look was performed but not answered
  bool is_locked_ = false;  // the last look saw a lock
};

void walk_from(const Model& start) {
  test::Walk<Model, Move> walk(kMoves, kDepth, kDepth);
  walk.from(start);
  EXPECT_GT(walk.histories(), kHistoriesMin);
}

TEST(TreeExhaustive, FirstStart) {
  walk_from(Model());
}

TEST(TreeExhaustive, Resumed) {
  walk_from(Model(bus::TreeState{.revision = 5, .clock = "c:0", .watching = true}));
}

TEST(TreeExhaustive, FromWatching) {
  Model start;
  start.come_to_rest();
  EXPECT_TRUE(start.is_watching());
  walk_from(start);
}

}  // namespace
}  // namespace hpp::watchd
