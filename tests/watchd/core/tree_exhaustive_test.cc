// Checks the invariants of Tree in every order of events up to a depth, sensible or not.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

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

struct NamedEvent {
  const char* name;
  Event event;
};

Event looked(const char* folder, const std::vector<GitLock>& locks = {}) {
  return Looked{.folder = folder, .locks = locks, .repositories = {}};
}

Event changed(const char* clock, const std::vector<ChangedFile>& files) {
  return Changed{.clock = clock, .files = files, .lost_track = {}};
}

const std::vector<NamedEvent> kEvents{
    NamedEvent{"began", Began{.clock = "c:1", .files = {}}},
    NamedEvent{"watching", Watching{}},
    NamedEvent{"changed", changed("c:4", {{.name = "a"}, {.name = "b"}})},
    NamedEvent{"lost track", Changed{.clock = "c:5", .files = {}, .lost_track = "why"}},
    NamedEvent{"delayed", Delayed{"why"}},
    NamedEvent{"lost", Lost{.why = "why", .clock = "c:6"}},
    NamedEvent{"synced", Synced{}},
    NamedEvent{"sync failed", SyncFailed{.why = "why"}},
    NamedEvent{"cannot sync", SyncFailed{.why = "why", .is_final = true}},
    NamedEvent{"ticket 1", TicketSeen{{.epoch = 1, .number = 1}}},
    NamedEvent{"ticket 2", TicketSeen{{.epoch = 1, .number = 2}}},
    NamedEvent{"ticket of another epoch", TicketSeen{{.epoch = 2, .number = 1}}},
    NamedEvent{"lock", looked("1", {GitLock{.path = "/r/.git/index.lock"}})},
    NamedEvent{"no lock", looked("1")},
    NamedEvent{"replaced", looked("2")},
    NamedEvent{"gone", looked("")},
    NamedEvent{"stirred", FolderStirred{}},
    NamedEvent{"TimerExpired", TimerExpired{}},
};

// The state of the world as the effects show it. Checked after every event.
struct Observer {
  bool timer = false;           // the timer runs
  bool source_works = false;    // Watch was performed; neither Lost nor Unwatch since
  bool has_begun = false;       // the source has reported Began or Changed
  bool source_watches = false;  // the source has reported Watching
  bool can_sync = true;
  std::uint64_t revision = 0;
  bool watching = false;
  bool settling = false;
  bus::Ticket asked;
  bus::Ticket answered;
  bool syncing = false;    // a Sync is in flight
  bus::Ticket covered;     // newest ticket at the last Sync; none if a lock was seen since
  bool look_due = false;   // Look was performed but not answered
  bool is_locked = false;  // the last look saw a lock

  bool operator==(const Observer&) const = default;

  // Whether the event can happen now. source.h says what a source may report.
  bool can_happen(const Event& event) const {
    if (std::holds_alternative<TimerExpired>(event)) return timer;
    if (std::holds_alternative<Looked>(event)) return look_due;
    if (std::holds_alternative<Began>(event)) return source_works && !has_begun;
    if (std::holds_alternative<Delayed>(event)) return source_works && !has_begun;
    if (std::holds_alternative<Changed>(event)) return source_works;
    if (std::holds_alternative<Lost>(event)) return source_works;
    if (std::holds_alternative<Watching>(event)) return has_begun && !source_watches;
    if (std::holds_alternative<Synced>(event)) return syncing;
    if (std::holds_alternative<SyncFailed>(event)) return syncing;
    return true;
  }

  // Returns what is wrong, or null.
  const char* see(const Event& event, const Tree& tree, const Effects& effects) {
    std::visit([this](const auto& e) { note(e); }, event);
    for (const Effect& effect : effects) {
      if (const char* wrong = std::visit([this](const auto& e) { return perform(e); }, effect)) {
        return wrong;
      }
    }
    return check(tree.state());
  }

  template <class E>
  void note(const E&) {}

  void note(const TimerExpired&) { timer = false; }

  void note(const TicketSeen& seen) {
    if (!asked.covers(seen.ticket)) asked = seen.ticket;
  }

  void note(const Looked& looked) {
    is_locked = !looked.locks.empty();
    look_due = false;
    if (is_locked) covered = {};
  }

  void note(const Began&) { has_begun = true; }

  void note(const Changed&) { has_begun = true; }

  void note(const Watching&) { source_watches = can_sync = true; }

  void note(const Synced&) { syncing = false; }

  void note(const SyncFailed& failed) {
    syncing = false;
    covered = {};
    if (failed.is_final) can_sync = false;
  }

  void note(const Lost&) { end_watch(); }

  void end_watch() {
    source_works = has_begun = source_watches = syncing = false;
    covered = {};
  }

  bool is_wanted() const { return can_sync && asked.epoch != 0 && !answered.covers(asked); }

  const char* check(State state) const {
    if (watching != (state == State::Watching)) return "published `watching` is not the state";
    if (watching != source_watches) return "published `watching` is not the source's state";
    if (state == State::Starting && !source_works && !look_due) return "no watch in Starting";
    if (state == State::Backoff && source_works) return "Backoff, and the source works";
    if (state == State::Backoff && !timer) return "no timer runs: no way out";
    if (state == State::Watching && (is_wanted() || settling) && !timer && !look_due && !syncing) {
      return "neither a timer, a look nor a Sync for an open ticket or unpublished changes";
    }
    return nullptr;
  }

  const char* perform(const Watch&) {
    if (source_works) return "Watch to a source that watches already";
    if (timer) return "a timer runs while the source begins";
    source_works = true;
    return nullptr;
  }

  const char* perform(const Unwatch&) {
    if (!source_works) return "Unwatch to a source that does not watch";
    end_watch();
    return nullptr;
  }

  const char* perform(const Sync&) {
    if (!watching) return "a Sync without a watch";
    if (syncing) return "two Syncs at a time";
    if (!can_sync) return "a Sync to a source that cannot sync";
    if (is_locked || look_due) return "a Sync without a look, or in spite of a lock";
    syncing = true;
    covered = asked;
    return nullptr;
  }

  const char* perform(const AskGit&) { return "asks git without --gitignore"; }

  const char* perform(const FollowLinks&) { return "follows links that were not listed"; }

  const char* perform(const Look&) {
    if (look_due) return "two looks at a time";
    look_due = true;
    return nullptr;
  }

  const char* perform(const StartTimer& effect) {
    timer = true;
    return effect.delay.count() > 0 ? nullptr : "a timer without a delay";
  }

  const char* perform(const StopTimer&) {
    timer = false;
    return nullptr;
  }

  const char* perform(const Publish& effect) {
    const bus::TreeState& tree = effect.tree;
    if (tree.revision < revision) return "the revision went back";
    if (tree.watching == !tree.problem.empty()) return "problem and watching differ";
    if (tree.changed.size() > tree.changed_count) return "more names than changes";
    if (tree.watching && tree.clock.empty()) return "watching without a clock";
    if (const char* wrong = see_answer(tree)) return wrong;
    revision = tree.revision;
    watching = tree.watching;
    settling = tree.settling;
    answered = tree.answers;
    return nullptr;
  }

  const char* see_answer(const bus::TreeState& tree) const {
    if (tree.settling && !tree.watching) return "settling, and not watching";
    if (tree.watching && watching && is_locked && tree.revision != revision) {
      return "a change is published while git writes";
    }
    if (tree.answers == answered) return nullptr;
    if (!tree.watching) return "an answer, and not watching";
    if (is_locked || look_due) return "an answer without a look, or in spite of a lock";
    if (syncing || tree.answers != covered) return "an answer to a ticket that no Sync has covered";
    return nullptr;
  }

  const char* perform(const Say& effect) {
    return effect.text.find('\n') == std::string::npos ? nullptr : "a log line with a newline";
  }
};

// The next event if the source works and git has finished.
Event good_event(State state, const Observer& observer) {
  if (observer.look_due) return looked("1");
  if (state == State::Backoff) return TimerExpired{};
  if (state == State::Starting) {
    return observer.has_begun ? Event(Watching{}) : changed("c:6", {});
  }
  if (observer.syncing) return Synced{};
  return observer.timer ? Event(TimerExpired{}) : changed("c:7", {{.name = "z"}});
}

// Checks that good events bring every history back to Watching, that then a ticket is answered, and
// that a change counts once. Returns what is wrong, or null.
struct Healing {
  Tree tree;
  Observer observer;

  const char* heal() {
    if (const char* wrong = settle()) return wrong;
    if (const char* wrong = take(TicketSeen{{.epoch = 3, .number = 1}})) return wrong;
    if (const char* wrong = settle()) return wrong;
    const std::uint64_t revision = observer.revision;
    if (const char* wrong = take(good_event(State::Watching, observer))) return wrong;
    if (const char* wrong = settle()) return wrong;
    return observer.revision == revision + 1 ? nullptr : "a change did not count once";
  }

  bool is_settled() const {
    return tree.state() == State::Watching && !observer.is_wanted() && !observer.settling &&
           !observer.look_due && !observer.timer && !observer.syncing;
  }

  const char* settle() {
    for (int steps = 0; !is_settled(); ++steps) {
      if (steps == 20) return "no way back to Watching, or to an answer";
      if (const char* wrong = take(good_event(tree.state(), observer))) return wrong;
    }
    return nullptr;
  }

  const char* take(const Event& event) {
    const Effects effects = tree.on(event, {});
    return observer.see(event, tree, effects);
  }
};

struct Walk {
  long histories = 0;
  long watched = 0;
  std::array<const char*, kDepth> path{};

  std::string history(int depth) const {
    std::string text;
    for (int i = 0; i < depth; ++i) text += std::string(path[static_cast<std::size_t>(i)]) + ", ";
    return text;
  }

  // Returns false at the first history that goes wrong.
  bool go(const Tree& tree, const Observer& observer, int depth) {
    if (const char* wrong = Healing{tree, observer}.heal()) {
      ADD_FAILURE() << wrong << ", healing after: " << history(depth);
      return false;
    }
    if (depth == kDepth) return true;
    for (const NamedEvent& next : kEvents) {
      if (!observer.can_happen(next.event)) continue;
      Tree copy = tree;
      Observer view = observer;
      path[static_cast<std::size_t>(depth)] = next.name;
      ++histories;
      const Effects effects = copy.on(next.event, {});
      if (const char* wrong = view.see(next.event, copy, effects)) {
        ADD_FAILURE() << wrong << " after: " << history(depth + 1);
        return false;
      }
      // An event that did nothing leads to histories that were walked already.
      if (effects.empty() && view == observer) continue;
      if (copy.state() == State::Watching) ++watched;
      if (!go(copy, view, depth + 1)) return false;
    }
    return true;
  }
};

void walk_from(Healing start) {
  Walk walk;
  EXPECT_TRUE(walk.go(start.tree, start.observer, 0));
  EXPECT_GT(walk.watched, kHistoriesMin / 4);
  EXPECT_GT(walk.histories, kHistoriesMin);
}

void walk_from(const std::optional<bus::TreeState>& resumed) {
  Healing start{Tree({.directory = "/r", .resumed = resumed}), Observer{}};
  if (resumed) start.observer.revision = resumed->revision;
  ASSERT_EQ(start.take(Started{}), nullptr);
  walk_from(start);
}

TEST(TreeExhaustive, FirstStart) {
  walk_from(std::nullopt);
}

TEST(TreeExhaustive, Resumed) {
  walk_from(bus::TreeState{.revision = 5, .clock = "c:0", .watching = true});
}

TEST(TreeExhaustive, FromWatching) {
  Healing start{Tree({.directory = "/r"}), Observer{}};
  ASSERT_EQ(start.take(Started{}), nullptr);
  ASSERT_EQ(start.settle(), nullptr);
  walk_from(start);
}

}  // namespace
}  // namespace hpp::watchd
