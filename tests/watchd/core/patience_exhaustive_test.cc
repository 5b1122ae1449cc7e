// Checks in every order of events up to a depth that Patience keeps the rules of source.h, that no
// answer to a Sync leaves out a save, and that a return to the first source invents no change.
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "tests/support/walk.h"
#include "watchd/core/patience.h"

namespace hpp::watchd {
namespace {

using State = Patience::State;

// The length of the histories. A step under a sanitizer takes several times as long.
#ifdef HPP_SANITIZED
constexpr int kDepth = 6;
constexpr long kHistoriesMin = 1'000;
#else
constexpr int kDepth = 9;
constexpr long kHistoriesMin = 25'000;
#endif

constexpr int kSavesMax = 3;

enum class Does {
  Watch,
  Unwatch,
  Sync,
  Expire,
  Save,
  Begin,       // a source reports what is known of the time before the watch
  LoseTrack,   // it begins, and does not know what has changed since the clock
  Report,      // it reports all saves
  ReachWatch,  // it reports Watching
  AnswerSync,
  RefuseSync,
  Fail,  // it reports Lost
};

struct Move {
  const char* name;
  Does does;
  int source = 0;  // 0: the first one, 1: the standby
};

const std::vector<Move> kMoves{
    {"Watch", Does::Watch},
    {"Unwatch", Does::Unwatch},
    {"Sync", Does::Sync},
    {"TimerExpired", Does::Expire},
    {"a save", Does::Save},
    {"first begins", Does::Begin, 0},
    {"standby begins", Does::Begin, 1},
    {"first loses track", Does::LoseTrack, 0},
    {"first reports", Does::Report, 0},
    {"standby reports", Does::Report, 1},
    {"first watches", Does::ReachWatch, 0},
    {"standby watches", Does::ReachWatch, 1},
    {"first synced", Does::AnswerSync, 0},
    {"standby synced", Does::AnswerSync, 1},
    {"standby refuses a Sync", Does::RefuseSync, 1},
    {"first lost", Does::Fail, 0},
    {"standby lost", Does::Fail, 1},
};

using Saves = unsigned;  // a bit for each save

// A source, or the whole, as the orders and reports show it.
struct Side {
  bool works = false;  // Watch was given; neither Lost nor Unwatch since
  bool has_begun = false;
  bool watches = false;
  bool syncs = false;
  std::string clock;     // the clock of the newest report, or of the Watch
  Saves unreported = 0;  // saves after `clock`
  Saves owed = 0;        // saves before the Sync in flight that are not reported

  bool operator==(const Side&) const = default;

  bool allows(const Order& order) const {
    if (std::holds_alternative<Watch>(order)) return !works;
    if (std::holds_alternative<Sync>(order)) return watches && !syncs;
    return works;
  }

  bool allows(const Report& report) const {
    if (std::holds_alternative<Began>(report)) return works && !has_begun;
    if (std::holds_alternative<Watching>(report)) return has_begun && !watches;
    if (std::holds_alternative<Synced>(report)) return syncs && owed == 0;
    if (std::holds_alternative<SyncFailed>(report)) return syncs;
    return works;
  }

  void begin(const std::string& of_report) {
    has_begun = true;
    clock = of_report;
    unreported = owed = 0;
  }

  void end() { works = has_begun = watches = syncs = false; }

  void see(const Order& order) {
    if (std::holds_alternative<Unwatch>(order)) end();
    if (const auto* watch = std::get_if<Watch>(&order)) {
      works = true;
      clock = watch->since;
    }
    if (std::holds_alternative<Sync>(order)) {
      syncs = true;
      owed = unreported;
    }
  }

  void see(const Report& report) {
    if (const auto* began = std::get_if<Began>(&report)) begin(began->clock);
    if (const auto* changed = std::get_if<Changed>(&report)) begin(changed->clock);
    if (std::holds_alternative<Watching>(report)) watches = true;
    if (std::holds_alternative<Synced>(report)) syncs = false;
    if (std::holds_alternative<SyncFailed>(report)) syncs = false;
    if (std::holds_alternative<Lost>(report)) end();
  }
};

struct Facts {
  Side whole;
  Side sources[2];
  bool timer = false;
  int saves = 0;
  std::string clock;  // the newest clock of the whole, for the next Watch

  bool operator==(const Facts&) const = default;
};

// Patience with Composition, which gives sensible orders, and both sources.
class Model : public test::Rules {
 public:
  bool allows(const Move& move) const {
    const Side& source = now_.sources[move.source];
    switch (move.does) {
      case Does::Watch:
        return now_.whole.allows(Order(Watch{}));
      case Does::Unwatch:
        return now_.whole.allows(Order(Unwatch{}));
      case Does::Sync:
        return now_.whole.allows(Order(Sync{}));
      case Does::Expire:
        return now_.timer;
      case Does::Save:
        return now_.saves < kSavesMax;
      case Does::Begin:
        return source.works && !source.has_begun;
      case Does::LoseTrack:
        return source.works && !source.has_begun && !source.clock.empty();
      case Does::Report:
        return source.has_begun && source.unreported != 0;
      case Does::ReachWatch:
        return source.has_begun && !source.watches;
      case Does::AnswerSync:
        return source.allows(Report(Synced{}));
      case Does::RefuseSync:
        return source.syncs;
      case Does::Fail:
        return source.works;
    }
    return false;
  }

  void make(const Move& move) {
    move_ = move;
    switch (move.does) {
      case Does::Watch:
        return give(Watch{.since = now_.clock});
      case Does::Unwatch:
        return give(Unwatch{});
      case Does::Sync:
        return give(Sync{});
      case Does::Expire:
        now_.timer = false;
        return take(TimerExpired{});
      case Does::Save:
        return save();
      case Does::Begin:
        return tell(begin_of(move.source));
      case Does::LoseTrack:
        return tell(lost_track());
      case Does::Report:
        return tell(changes());
      case Does::ReachWatch:
        return tell(Watching{});
      case Does::AnswerSync:
        return tell(Synced{});
      case Does::RefuseSync:
        return tell(SyncFailed{.why = "why"});
      case Does::Fail:
        return tell(Lost{.why = "why", .clock = now_.sources[move.source].clock});
    }
  }

  bool has_moved_on(const Model& before) const { return !done_.empty() || now_ != before.now_; }

  // Good events must lead to the first source alone, and then a Sync must be answered.
  void recover() {
    come_to_rest();
    make({"Sync", Does::Sync});
    come_to_rest();
    require(patience_.state() == State::First, "no way back to the first source");
  }

  void come_to_rest() {
    for (int steps = 0; steps < 30 && !is_idle(); ++steps) make(good_move());
    require(is_idle(), "no way back to a watch");
  }

 private:
  bool is_idle() const {
    return now_.whole.watches && !now_.whole.syncs && now_.sources[0].watches &&
           !now_.sources[1].works;
  }

  Move good_move() const {
    if (!now_.whole.works) return {"Watch", Does::Watch};
    for (const Does does : {Does::Begin, Does::Report, Does::ReachWatch, Does::AnswerSync}) {
      for (const int source : {1, 0}) {
        if (allows({"", does, source})) return {"", does, source};
      }
    }
    return {"TimerExpired", Does::Expire};
  }

  Saves all_saves() const { return (1U << now_.saves) - 1; }

  // The clock of a source now: its letter, and the saves until now.
  std::string clock() const {
    return (move_.source == 0 ? "f" : "s") + std::to_string(all_saves());
  }

  // The standby cannot read a clock, neither its own nor the other source's.
  Report begin_of(int source) const {
    const std::string& since = now_.sources[source].clock;
    if (since.empty()) return Began{.clock = clock(), .files = {}};
    return source == 0 && since.starts_with('f') ? changes() : lost_track();
  }

  Report lost_track() const { return Changed{.clock = clock(), .files = {}, .lost_track = "why"}; }

  // Names the saves that the source has not reported.
  Report changes() const {
    Changed changed{.clock = clock(), .files = {}, .lost_track = {}};
    for (int i = 0; i < now_.saves; ++i) {
      if ((now_.sources[move_.source].unreported >> i & 1U) != 0) {
        changed.files.push_back({.name = std::to_string(i)});
      }
    }
    return changed;
  }

  void save() {
    const Saves bit = 1U << now_.saves++;
    for (Side* side : {&now_.whole, &now_.sources[0], &now_.sources[1]}) side->unreported |= bit;
    done_.clear();
  }

  void give(const Order& order) {
    now_.whole.see(order);
    std::visit([this](const auto& o) { take(o); }, order);
  }

  void tell(const Report& report) {
    now_.sources[move_.source].see(report);
    move_.source == 0 ? take(FromFirst{report}) : take(FromStandby{report});
  }

  void take(const PatienceEvent& event) {
    done_ = patience_.on(event);
    for (const PatienceEffect& effect : done_) {
      std::visit([this](const auto& e) { perform(e); }, effect);
    }
    check();
  }

  void perform(const Began& report) {
    require(now_.whole.allows(Report(report)), "Began twice");
    now_.whole.see(Report(report));
    now_.clock = report.clock;
  }

  void perform(const Changed& report) {
    require(now_.whole.works, "Changed without a watch");
    now_.clock = report.clock;
    now_.whole.has_begun = true;
    if (report.lost_track.empty()) {
      for (const ChangedFile& file : report.files) {
        const Saves others = ~(1U << std::stoi(file.name));
        now_.whole.unreported &= others;
        now_.whole.owed &= others;
      }
      return;
    }
    now_.whole.unreported = now_.whole.owed = 0;
    const bool has_reason =
        move_.does == Does::Begin || move_.does == Does::LoseTrack ||
        (move_.source == 1 && (move_.does == Does::RefuseSync || move_.does == Does::Fail));
    require(has_reason, "a change is invented");
  }

  void perform(const Lost& report) {
    require(now_.whole.works, "Lost without a watch");
    now_.whole.see(Report(report));
    now_.clock = report.clock;
  }

  template <class R>
  void perform(const R& report) {
    const bool is_stale = std::is_same_v<R, Synced> && now_.whole.owed != 0;
    require(!is_stale, "Synced leaves out a save");
    require(now_.whole.allows(Report(report)), "a report that source.h does not allow");
    now_.whole.see(Report(report));
  }

  void perform(const ToFirst& to) { order(now_.sources[0], to.order); }

  void perform(const ToStandby& to) { order(now_.sources[1], to.order); }

  void order(Side& source, const Order& order) {
    require(source.allows(order), "an order that source.h does not allow");
    source.see(order);
    if (std::holds_alternative<Watch>(order) && source.clock.starts_with('f')) {
      source.unreported = all_saves() & ~static_cast<Saves>(std::stoul(source.clock.substr(1)));
    }
  }

  void perform(const StartTimer&) { now_.timer = true; }

  void perform(const StopTimer&) { now_.timer = false; }

  void perform(const Say& effect) {
    require(effect.text.find('\n') == std::string::npos, "a log line with a newline");
  }

  void check() {
    const State state = patience_.state();
    const auto& [first, standby] = now_.sources;
    require(now_.whole.works == (state != State::Off), "the state is not what was reported");
    require(standby.works == (state == State::Both), "the standby watches in the wrong state");
    require(state != State::First || first.works, "no source watches");
    require(state != State::First || first.watches || now_.timer, "patience without an end");
    require(state != State::Both || first.works || now_.timer, "no way back");
    require(
        !now_.whole.syncs || first.syncs || standby.syncs || (standby.works && !standby.watches),
        "a Sync that is never answered");
    require(!(state == State::First && first.syncs) || now_.timer, "a Sync without a limit");
  }

  Patience patience_{"Watchman", "polling"};
  Facts now_;
  Move move_{"", Does::Watch};
  std::vector<PatienceEffect> done_;  // effects of the newest event
};

void walk_from(const Model& start) {
  test::Walk<Model, Move> walk(kMoves, kDepth, kDepth - 1);
  walk.from(start);
  EXPECT_GT(walk.histories(), kHistoriesMin);
}

TEST(PatienceExhaustive, FromTheFirstWatch) {
  walk_from(Model());
}

TEST(PatienceExhaustive, FromWatching) {
  Model start;
  start.come_to_rest();
  walk_from(start);
}

TEST(PatienceExhaustive, FromTheStandby) {
  Model start;
  start.come_to_rest();
  for (const Move& move : {Move{"", Does::Sync}, Move{"", Does::Expire}, Move{"", Does::Begin, 1},
                           Move{"", Does::ReachWatch, 1}, Move{"", Does::AnswerSync, 1}}) {
    start.make(move);
  }
  walk_from(start);
}

}  // namespace
}  // namespace hpp::watchd
