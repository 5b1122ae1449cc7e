// Checks in every order of events up to a depth that Composition, with two parts, keeps the rules
// of source.h towards Tree and towards both sources.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/support/walk.h"
#include "watchd/core/composition.h"

namespace hpp::watchd {
namespace {

using State = Composition::State;

// The length of the histories. A step under a sanitizer takes several times as long.
#ifdef HPP_SANITIZED
constexpr int kDepth = 5;
constexpr long kHistoriesMin = 1'000;
#else
constexpr int kDepth = 7;
constexpr long kHistoriesMin = 25'000;
#endif

struct Move {
  const char* name;
  CompositionEvent event;
};

CompositionEvent told(std::size_t part, const Report& report) {
  return FromPart{part, report};
}

Changed changed(const char* clock) {
  return {.clock = clock, .files = {{.name = "a"}}, .lost_track = {}};
}

const std::vector<Move> kMoves{
    {"Watch", Watch{.since = "c:0"}},
    {"Unwatch", Unwatch{}},
    {"Sync", Sync{}},
    {"0 began", told(0, Began{.clock = "c:1", .files = {}})},
    {"1 began", told(1, Began{.clock = "d:1", .files = {}})},
    {"0 changed", told(0, changed("c:2"))},
    {"1 changed", told(1, changed("d:2"))},
    {"0 lags", told(0, Lags{.lag = std::chrono::milliseconds{2000}, .why = "why"})},
    {"1 lags", told(1, Lags{.lag = std::chrono::milliseconds{3000}, .why = "why"})},
    {"1 lost track", told(1, Changed{.clock = "d:3", .files = {}, .lost_track = "why"})},
    {"1 delayed", told(1, Delayed{"why"})},
    {"0 watching", told(0, Watching{})},
    {"1 watching", told(1, Watching{})},
    {"0 synced", told(0, Synced{})},
    {"1 synced", told(1, Synced{})},
    {"1 sync failed", told(1, SyncFailed{.why = "why"})},
    {"0 lost", told(0, Lost{.why = "why", .clock = "c:4"})},
    {"1 lost", told(1, Lost{.why = "why", .clock = "d:4"})},
    {"1 lost for good", told(1, Lost{.why = "why", .clock = "", .is_final = true})},
    {"1 is there", PartSeen{1, "1"}},
    {"1 is another", PartSeen{1, "2"}},
    {"1 is gone", PartSeen{1, ""}},
    {"1 stirred", PartStirred{1}},
    {"TimerExpired", TimerExpired{}},
};

// The rules of source.h between one sender of orders and one source.
struct Contract {
  bool works = false;  // Watch was given; neither Lost nor Unwatch since
  bool has_begun = false;
  bool watches = false;
  bool syncs = false;
  std::chrono::milliseconds lag{0};  // the newest Lags

  bool operator==(const Contract&) const = default;

  bool allows(const Order& order) const {
    if (std::holds_alternative<Watch>(order)) return !works;
    if (std::holds_alternative<Sync>(order)) return watches && !syncs;
    return works;
  }

  bool allows(const Report& report) const {
    if (std::holds_alternative<Began>(report)) return works && !has_begun;
    if (std::holds_alternative<Delayed>(report)) return works && !has_begun;
    if (std::holds_alternative<Watching>(report)) return has_begun && !watches;
    if (std::holds_alternative<Synced>(report)) return syncs;
    if (std::holds_alternative<SyncFailed>(report)) return syncs;
    if (const auto* lags = std::get_if<Lags>(&report)) return works && lags->lag != lag;
    return works;
  }

  void see(const Order& order) {
    if (std::holds_alternative<Unwatch>(order)) *this = {};
    if (std::holds_alternative<Watch>(order)) works = true;
    if (std::holds_alternative<Sync>(order)) syncs = true;
  }

  void see(const Report& report) {
    if (std::holds_alternative<Began>(report)) has_begun = true;
    if (std::holds_alternative<Changed>(report)) has_begun = true;
    if (std::holds_alternative<Watching>(report)) watches = true;
    if (std::holds_alternative<Synced>(report)) syncs = false;
    if (std::holds_alternative<SyncFailed>(report)) syncs = false;
    if (const auto* lags = std::get_if<Lags>(&report)) lag = lags->lag;
    if (std::holds_alternative<Lost>(report)) *this = {};
  }
};

// The surroundings, as the events and effects show them.
struct Facts {
  Contract whole;
  std::array<Contract, 2> parts;
  bool timer = false;
  int looks = 0;                     // number of looks that are not answered yet
  std::string directory = "1";       // newest directory of the second part
  std::array<bool, 2> has_synced{};  // since the Sync to the whole
  bool was_absent = false;           // the second directory was, since the Sync to the whole

  bool operator==(const Facts&) const = default;
};

// Composition with two parts, Tree, and both sources.
class Model : public test::Rules {
 public:
  bool allows(const Move& move) const {
    const CompositionEvent& event = move.event;
    if (const auto* from = std::get_if<FromPart>(&event)) {
      return now_.parts.at(from->part).allows(from->report);
    }
    if (std::holds_alternative<Watch>(event)) return now_.whole.allows(Order(Watch{}));
    if (std::holds_alternative<Unwatch>(event)) return now_.whole.allows(Order(Unwatch{}));
    if (std::holds_alternative<Sync>(event)) return now_.whole.allows(Order(Sync{}));
    if (std::holds_alternative<PartSeen>(event)) return now_.looks > 0;
    if (std::holds_alternative<PartStirred>(event)) return now_.looks == 0;
    return now_.timer;
  }

  void make(const Move& move) { take(move.event); }

  bool has_moved_on(const Model& before) const { return !done_.empty() || now_ != before.now_; }

  // Good events must lead to the watch of both parts. Then a Sync must succeed, and a change be
  // reported. The first Sync may find that the directory was replaced.
  void recover() {
    for (int i = 0; i < 2; ++i) {
      come_to_rest();
      take(Sync{});
    }
    come_to_rest();
    require(now_.has_synced == std::array{true, true}, "a Sync has not reached both parts");
    take(told(1, changed("d:8")));
    require(!done_.empty() && std::holds_alternative<Changed>(done_.back()),
            "a change is not reported");
  }

  void come_to_rest() {
    int steps = 0;
    while (!is_idle() && ++steps <= 25) take(good_event());
    require(is_idle(), "no way back to the watch of both parts");
    require(composition_.is_idle(), "both parts are watched, but not idle");
  }

 private:
  bool is_idle() const {
    return now_.whole.watches && now_.parts[0].watches && now_.parts[1].watches &&
           !now_.whole.syncs && !now_.timer && now_.looks == 0;
  }

  CompositionEvent good_event() const {
    if (now_.looks > 0) return PartSeen{1, now_.directory};
    if (!now_.whole.works) return Watch{};
    for (std::size_t i = 0; i < 2; ++i) {
      const Contract& part = now_.parts.at(i);
      if (part.works && !part.has_begun) return told(i, Began{.clock = "c:7", .files = {}});
      if (part.works && !part.watches) return told(i, Watching{});
      if (part.syncs) return told(i, Synced{});
    }
    return TimerExpired{};
  }

  void take(const CompositionEvent& event) {
    std::visit([this](const auto& e) { note(e); }, event);
    done_ = composition_.on(event);
    for (const CompositionEffect& effect : done_) {
      std::visit([this](const auto& e) { perform(e); }, effect);
    }
    check();
  }

  template <class O>
  void note(const O& order) {
    now_.whole.see(Order(order));
    now_.has_synced = {};
    now_.was_absent = false;
  }

  void note(const FromPart& from) {
    now_.parts.at(from.part).see(from.report);
    if (std::holds_alternative<Synced>(from.report)) now_.has_synced.at(from.part) = true;
  }

  void note(const PartSeen& seen) {
    --now_.looks;
    if (seen.id.empty()) {
      now_.was_absent = true;
    } else {
      now_.directory = seen.id;
    }
  }

  void note(const PartStirred&) {}

  void note(const LinksFollowed&) {}

  void note(const TimerExpired&) { now_.timer = false; }

  template <class R>
  void perform(const R& report) {
    require(now_.whole.allows(Report(report)), "a report that source.h does not allow");
    if (std::is_same_v<R, Synced>) {
      require(now_.has_synced[0], "Synced without the first part");
      require(now_.has_synced[1] || now_.was_absent,
              "Synced, and the second part is neither synced nor absent");
    }
    now_.whole.see(Report(report));
  }

  void perform(const ToPart& to) {
    Contract& part = now_.parts.at(to.part);
    require(part.allows(to.order), "an order that source.h does not allow");
    part.see(to.order);
  }

  void perform(const LookAtPart& look) {
    ++now_.looks;
    require(look.part == 1, "a look at the first part");
  }

  void perform(const FollowLinks&) {}

  void perform(const AddPart&) { require(false, "a part without a link"); }

  void perform(const TakeNextSource& next) {
    require(next.part == 1, "another source, although none was lost for good");
  }

  void perform(const RetirePart&) { require(false, "a part is retired without a link"); }

  void perform(const StartTimer&) {
    require(!now_.timer, "the timer is moved");
    now_.timer = true;
  }

  void perform(const StopTimer&) { now_.timer = false; }

  void perform(const Say& effect) {
    require(effect.text.find('\n') == std::string::npos, "a log line with a newline");
  }

  void check() {
    const auto& [whole, parts, timer, looks, directory, has_synced, was_absent] = now_;
    const State state = composition_.state();
    require(whole.works == (state != State::Off), "the state is not what Tree has seen");
    require(whole.watches == (state == State::Watching), "Watching is not what Tree has seen");
    require(whole.works == parts[0].works, "the first part is not watched as the whole is");
    require(whole.works || !parts[1].works, "the second part is watched without the first");
    require(whole.works || !timer, "a timer without a watch");
    require(!whole.works || whole.lag == std::max(parts[0].lag, parts[1].lag),
            "the whole does not lag as its slowest part");
    require(!whole.watches || parts[1].works || timer || looks > 0, "no way back for a part");
    require(!whole.syncs || parts[0].syncs || parts[1].syncs || looks > 0,
            "a Sync that is never answered");
    require(!composition_.is_idle() || (whole.watches && parts[0].watches && parts[1].watches),
            "idle without the watch of both parts");
    require(!composition_.is_idle() || !whole.syncs, "idle while a Sync is in flight");
  }

  Composition composition_{"/p", {"", "../b/"}, {}};
  Facts now_;
  std::vector<CompositionEffect> done_;  // effects of the newest event
};

void walk_from(const Model& start) {
  test::Walk<Model, Move> walk(kMoves, kDepth, kDepth);
  walk.from(start);
  EXPECT_GT(walk.histories(), kHistoriesMin);
}

TEST(CompositionExhaustive, FromTheFirstWatch) {
  walk_from(Model());
}

TEST(CompositionExhaustive, FromWatching) {
  Model start;
  start.come_to_rest();
  walk_from(start);
}

}  // namespace
}  // namespace hpp::watchd
