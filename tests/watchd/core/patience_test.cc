#include "watchd/core/patience.h"

#include <gtest/gtest.h>

namespace hpp::watchd {
namespace {

using std::chrono::milliseconds;
using State = Patience::State;
using Effects = std::vector<PatienceEffect>;

const Lost kLost{.why = "Watchman closed the connection", .clock = "c:1"};

Changed changed(const char* clock, const char* name) {
  return {.clock = clock, .files = {{.name = name}}, .lost_track = {}};
}

class PatienceTest : public testing::Test {
 protected:
  void when(const PatienceEvent& event) { effects_ = patience_.on(event); }

  void when_first(const Report& report) { when(FromFirst{report}); }

  void when_standby(const Report& report) { when(FromStandby{report}); }

  template <class... E>
  void after(const E&... events) {
    (when(events), ...);
  }

  const Effects& effects() const { return effects_; }

  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    for (const PatienceEffect& effect : effects_) {
      if (const auto* one = std::get_if<E>(&effect)) found.push_back(*one);
    }
    return found;
  }

  // The effects without the log lines.
  Effects unsaid() const {
    Effects effects = effects_;
    std::erase_if(effects, [](const auto& effect) { return std::holds_alternative<Say>(effect); });
    return effects;
  }

  State state() const { return patience_.state(); }

  void start() {
    after(Watch{}, FromFirst{Began{.clock = "c:1", .files = {}}}, FromFirst{Watching{}});
  }

  void use_standby() {
    start();
    after(Sync{}, TimerExpired{}, FromStandby{Changed{.clock = "p:1", .files = {}}},
          FromStandby{Watching{}}, FromStandby{Synced{}});
    ASSERT_EQ(state(), State::Both);
  }

 private:
  Patience patience_{"Watchman", "polling"};
  Effects effects_;
};

TEST_F(PatienceTest, OrdersAndReportsPass) {
  when(Watch{.since = "c:0", .is_replaced = true});
  EXPECT_EQ(effects(),
            (Effects{StartTimer{kPatience}, ToFirst{Watch{.since = "c:0", .is_replaced = true}}}));
  when_first(changed("c:1", "a"));
  EXPECT_EQ(effects(), Effects{changed("c:1", "a")});
  when_first(Watching{});
  EXPECT_EQ(effects(), (Effects{StopTimer{}, Watching{}}));
  when(Sync{});
  EXPECT_EQ(effects(), (Effects{StartTimer{kSyncPatience}, ToFirst{Sync{}}}));
  when_first(Synced{});
  EXPECT_EQ(effects(), (Effects{StopTimer{}, Synced{}}));
  when(Unwatch{});
  EXPECT_EQ(effects(), Effects{ToFirst{Unwatch{}}});
}

TEST_F(PatienceTest, AHangAtTheStartBringsTheStandby) {
  when(Watch{.since = "c:0"});
  when(TimerExpired{});
  EXPECT_EQ(effects(), (Effects{Say{Say::Level::Warning,
                                    "Watchman does not answer: polling until Watchman can be used"},
                                ToStandby{Watch{.since = "c:0"}}}))
      << "the first source goes on starting";
  when_standby(Began{.clock = "p:1", .files = {}});
  when_standby(Watching{});
  EXPECT_EQ(effects(), Effects{Watching{}});
}

TEST_F(PatienceTest, AHangAtASyncBringsTheStandbyWhichAnswers) {
  start();
  when(Sync{});
  when(TimerExpired{});
  EXPECT_EQ(unsaid(), (Effects{ToFirst{Unwatch{}}, StartTimer{kReturnDelayMin},
                               ToStandby{Watch{.since = "c:1"}}}));
  const Changed unknown{.clock = "p:1", .files = {}, .lost_track = "unknown clock"};
  when_standby(unknown);
  EXPECT_EQ(effects(), Effects{unknown});
  when_standby(Watching{});
  EXPECT_EQ(effects(), Effects{ToStandby{Sync{}}});
  when_standby(Synced{});
  EXPECT_EQ(effects(), Effects{Synced{}});
}

TEST_F(PatienceTest, ALossIsPassedOnUntilPatienceEnds) {
  start();
  when_first(kLost);
  EXPECT_EQ(effects(), (Effects{StartTimer{kPatience}, kLost}));
  when(Watch{.since = "c:1"});
  when_first(kLost);
  EXPECT_EQ(effects(), Effects{kLost});
  when(TimerExpired{});
  EXPECT_EQ(effects(), Effects{});
  when(Watch{.since = "c:1"});
  when_first(kLost);
  EXPECT_EQ(effects(), (Effects{StopTimer{},
                                Say{Say::Level::Warning,
                                    "Watchman closed the connection: polling until "
                                    "Watchman can be used"},
                                StartTimer{kReturnDelayMin}, ToStandby{Watch{.since = "c:1"}}}));
}

TEST_F(PatienceTest, ALossBeforeTheFirstWatchBringsTheStandbyAtOnce) {
  when(Watch{});
  when_first(Lost{.why = "Watchman cannot be run", .clock = {}});
  EXPECT_EQ(effects(), (Effects{StopTimer{},
                                Say{Say::Level::Warning,
                                    "Watchman cannot be run: polling until Watchman can be used"},
                                StartTimer{kReturnDelayMin}, ToStandby{Watch{}}}));
  after(FromStandby{Began{.clock = "p:1", .files = {}}}, FromStandby{Watching{}}, TimerExpired{},
        FromFirst{Began{.clock = "c:1", .files = {}}}, FromFirst{Watching{}},
        FromStandby{Synced{}});
  EXPECT_EQ(all<Say>(), std::vector{(Say{Say::Level::Info, "Watchman can be used now: using it"})});
}

TEST_F(PatienceTest, ALossIsPassedOnIfThereIsAClockToContinueFrom) {
  when(Watch{.since = "c:0"});
  when_first(kLost);
  EXPECT_EQ(effects(), Effects{kLost});
  EXPECT_EQ(state(), State::Off);
}

TEST_F(PatienceTest, AttemptsToReturnBecomeRarer) {
  use_standby();
  for (const int delay : {2000, 4000, 8000, 16'000, 30'000, 30'000}) {
    when(TimerExpired{});
    EXPECT_EQ(effects(), Effects{ToFirst{Watch{.since = "c:1"}}});
    when_first(kLost);
    EXPECT_EQ(effects(), Effects{StartTimer{milliseconds{delay}}});
  }
}

TEST_F(PatienceTest, TheReturnReportsEachSaveOnce) {
  use_standby();
  when(TimerExpired{});
  when_first(Changed{.clock = "c:2", .files = {}, .lost_track = "Watchman was restarted"});
  when_first(changed("c:3", "early"));
  EXPECT_EQ(effects(), Effects{}) << "the standby reports it";
  when_first(Watching{});
  EXPECT_EQ(effects(), Effects{ToStandby{Sync{}}});
  when_first(changed("c:4", "late"));
  EXPECT_EQ(effects(), Effects{});
  when_standby(changed("p:2", "early"));
  EXPECT_EQ(effects(), Effects{changed("p:2", "early")});
  when_standby(Synced{});
  EXPECT_EQ(effects(), (Effects{ToStandby{Unwatch{}}, changed("c:4", "late"),
                                Say{Say::Level::Info, "using Watchman again"}}));
  EXPECT_EQ(state(), State::First);
}

TEST_F(PatienceTest, AReturnWithoutASaveReportsTheClockAlone) {
  use_standby();
  after(TimerExpired{}, FromFirst{changed("c:2", "a")}, FromFirst{Watching{}}, Sync{});
  EXPECT_EQ(effects(), Effects{}) << "the standby has a Sync in flight";
  when_standby(Synced{});
  EXPECT_EQ(unsaid(), (Effects{ToStandby{Unwatch{}}, Changed{.clock = "c:2", .files = {}},
                               StartTimer{kSyncPatience}, ToFirst{Sync{}}}));
}

TEST_F(PatienceTest, AStandbyThatLagsCannotVouchForTheReturn) {
  use_standby();
  when_standby(Lags{.lag = milliseconds{3000}, .why = "slow"});
  after(TimerExpired{}, FromFirst{changed("c:2", "a")}, FromFirst{Watching{}},
        FromStandby{Synced{}});
  ASSERT_EQ(all<Changed>().size(), 1U);
  EXPECT_EQ(all<Changed>()[0].lost_track, "files may have changed before the return to Watchman");
  EXPECT_EQ(all<Lags>(), std::vector<Lags>{Lags{}});
}

TEST_F(PatienceTest, ALossBeforeTheReturnStartsItAgain) {
  use_standby();
  after(TimerExpired{}, FromFirst{changed("c:2", "a")}, FromFirst{Watching{}});
  when_first(kLost);
  after(TimerExpired{}, FromFirst{Began{.clock = "c:9", .files = {}}}, FromFirst{Watching{}});
  when_standby(Synced{});
  EXPECT_EQ(effects(), Effects{ToStandby{Sync{}}}) << "a save may have come between";
}

TEST_F(PatienceTest, TheLossOfTheStandbyIsALossUnlessTheFirstSourceWatches) {
  use_standby();
  const Lost lost{.why = "gone", .clock = "p:1"};
  when_standby(lost);
  EXPECT_EQ(effects(), (Effects{StopTimer{}, lost}));
  EXPECT_EQ(state(), State::Off);
  use_standby();
  after(TimerExpired{}, FromFirst{changed("c:2", "a")}, FromFirst{Watching{}});
  when_standby(lost);
  EXPECT_EQ(state(), State::First);
  EXPECT_EQ(all<Changed>().size(), 1U);
}

}  // namespace
}  // namespace hpp::watchd
