#include "watchd/core/composition.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "watchd/core/roots.h"

namespace hpp::watchd {
namespace {

using State = Composition::State;
using Effects = std::vector<CompositionEffect>;

ToPart watch(std::size_t part, const std::string& since = "", bool is_replaced = false) {
  return {.part = part, .order = Watch{.since = since, .is_replaced = is_replaced}};
}

Changed changed(const std::string& clock, const std::vector<ChangedFile>& files) {
  return {.clock = clock, .files = files, .lost_track = {}};
}

CompositionEffect effect_of(const Report& report) {
  const auto effect = []<class R>(const R& r) -> CompositionEffect {
    if constexpr (std::is_constructible_v<WholeReport, R>) return r;
    return Say{};
  };
  return std::visit(effect, report);
}

// The project folder and `../shared`.
class CompositionTest : public testing::Test {
 protected:
  void when(const CompositionEvent& event) { effects_ = whole_.on(event); }

  void when_told(std::size_t part, const Report& report) { when(FromPart{part, report}); }

  // Returns the effects without FollowLinks, which each change causes.
  Effects done() {
    Effects effects = std::exchange(effects_, {});
    std::erase_if(effects,
                  [](const auto& effect) { return std::holds_alternative<FollowLinks>(effect); });
    return effects;
  }

  // Returns the effects without the log lines.
  Effects orders() {
    Effects effects = done();
    std::erase_if(effects, [](const auto& effect) { return std::holds_alternative<Say>(effect); });
    return effects;
  }

  std::string last_clock() {
    for (const CompositionEffect& effect : effects_) {
      if (const auto* report = std::get_if<Changed>(&effect)) return report->clock;
      if (const auto* report = std::get_if<Began>(&effect)) return report->clock;
      if (const auto* report = std::get_if<Lost>(&effect)) return report->clock;
    }
    return "none";
  }

  // Begins the watch of both parts. Returns the clock of the whole.
  std::string start(const std::string& since = "") {
    when(Watch{.since = since});
    when(PartSeen{1, "1:7"});
    when_told(0, Began{.clock = "c:1", .files = {}});
    when_told(1, Began{.clock = "d:1", .files = {}});
    const std::string clock = last_clock();
    when_told(0, Watching{});
    when_told(1, Watching{});
    EXPECT_EQ(done(), Effects{Watching{}});
    return clock;
  }

  Composition whole_{"/home/me/site", {"", "../shared/"}, {}};
  Effects effects_;
};

TEST_F(CompositionTest, ASinglePartIsPassedThrough) {
  whole_ = Composition("/home/me/site", {""}, {});
  when(Watch{.since = "c:0", .is_replaced = true});
  EXPECT_EQ(done(), Effects{watch(0, "c:0", true)});
  for (const Report& report : std::vector<Report>{
           Delayed{"slow"}, changed("c:1", {{.name = "a"}}), Watching{}, changed("c:2", {}),
           Changed{.clock = "c:3", .files = {}, .lost_track = "why"}}) {
    when_told(0, report);
    EXPECT_EQ(done(), Effects{effect_of(report)});
  }
  when(Sync{});
  EXPECT_EQ(done(), (Effects{ToPart{0, Sync{}}}));
  when_told(0, SyncFailed{.why = "busy", .is_final = true});
  EXPECT_EQ(done(), (Effects{SyncFailed{.why = "busy", .is_final = true}}));
  when_told(0, Lost{.why = "gone", .clock = "c:4"});
  EXPECT_EQ(done(), (Effects{Lost{.why = "gone", .clock = "c:4"}}));
  when(Watch{.since = ""});
  when_told(0, Began{.clock = "c:5", .files = {{.name = "a", .digest = 3}}});
  EXPECT_EQ(effects_.back(),
            CompositionEffect(Began{.clock = "c:5", .files = {{.name = "a", .digest = 3}}}));
  when(Unwatch{});
  EXPECT_EQ(done(), (Effects{ToPart{0, Unwatch{}}}));
}

TEST_F(CompositionTest, TheWholeBeginsWhenAllPartsHaveBegun) {
  when(Watch{});
  EXPECT_EQ(done(), (Effects{watch(0), LookAtPart{1}}));
  when_told(0, Began{.clock = "c:1", .files = {{.name = "a.py"}}});
  when_told(0, Watching{});
  EXPECT_EQ(done(), Effects{});
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(done(), Effects{watch(1)});
  when_told(1, Delayed{"large"});
  EXPECT_EQ(done(), Effects{Delayed{"../shared: large"}});
  when_told(1, Began{.clock = "d:1", .files = {{.name = "b.py"}}});
  EXPECT_EQ(std::get<Began>(done().at(0)).files,
            (std::vector<ChangedFile>{{.name = "a.py"}, {.name = "../shared/b.py"}}));
  when_told(1, Watching{});
  EXPECT_EQ(done(), Effects{Watching{}});
  EXPECT_EQ(whole_.state(), State::Watching);
}

TEST_F(CompositionTest, ReportsHaveTheNameByWhichTheProjectReachesTheFile) {
  start();
  when_told(1, changed("d:2", {{.name = "sub/money.py"}}));
  EXPECT_EQ(std::get<Changed>(done().at(0)).files,
            (std::vector<ChangedFile>{{.name = "../shared/sub/money.py"}}));
  when_told(0, changed("c:2", {{.name = "money.py"}}));
  EXPECT_EQ(std::get<Changed>(done().at(0)).files,
            (std::vector<ChangedFile>{{.name = "money.py"}}));
}

TEST_F(CompositionTest, TheFilterAppliesToThatName) {
  whole_ = Composition("/home/me/site", {"", "../.cache/"},
                       {.patterns = {"*.py", "../.cache/**/*.py", "**/all"},
                        .excludes = {"../.cache/old/**"},
                        .css = {"../.cache/*.css"}});
  start();
  when_told(1, changed("d:2", {{.name = "a.py"},
                               {.name = "b.txt"},
                               {.name = "sub/all"},
                               {.name = "old/a.py"},
                               {.name = "x.css"}}));
  EXPECT_EQ(
      std::get<Changed>(done().at(0)).files,
      (std::vector<ChangedFile>{
          {.name = "../.cache/a.py"}, {.name = "../.cache/sub/all"}, {.name = "../.cache/x.css"}}));
}

TEST_F(CompositionTest, TheClockOfTheWholeContinuesEachPart) {
  const std::string clock = start();
  whole_ = Composition("/home/me/site", {"", "../shared/"}, {});
  when(Watch{.since = clock});
  EXPECT_EQ(done(), (Effects{watch(0, "c:1"), LookAtPart{1}}));
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(done(), Effects{watch(1, "d:1")});
  when_told(1, changed("d:2", {{.name = "b"}}));
  when_told(0, changed("c:2", {{.name = "a"}}));
  EXPECT_EQ(std::get<Changed>(done().at(0)).files,
            (std::vector<ChangedFile>{{.name = "../shared/b"}, {.name = "a"}}));
}

TEST_F(CompositionTest, APartThatAClockDoesNotContainIsWatchedWithoutOne) {
  when(Watch{.since = "c:1"});
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(orders(), Effects{watch(1)});
  when_told(0, changed("c:2", {{.name = "a"}}));
  when_told(1, Began{.clock = "d:1", .files = {}});
  EXPECT_EQ(std::get<Changed>(done().at(0)).lost_track,
            "some of the files were not watched for a while");
}

TEST_F(CompositionTest, AClockIsNotUsedForAnotherDirectoryOrPart) {
  const std::string clock = start();
  whole_ = Composition("/home/me/site", {"", "../shared/"}, {});
  when(Watch{.since = clock});
  when(PartSeen{1, "1:8"});
  EXPECT_EQ(done(), (Effects{watch(1, "", true)}));
  whole_ = Composition("/home/me/site", {"", "../other/"}, {});
  when(Watch{.since = clock});
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(done(), Effects{watch(1)});
  whole_ = Composition("/home/me/site", {""}, {});
  when(Watch{.since = clock});
  EXPECT_EQ(done(), Effects{watch(0, "c:1")});
}

TEST_F(CompositionTest, ASyncSucceedsWhenAllPartsHaveSynced) {
  start();
  when(Sync{});
  EXPECT_EQ(done(), (Effects{ToPart{0, Sync{}}, LookAtPart{1}}));
  when_told(0, Synced{});
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(done(), (Effects{ToPart{1, Sync{}}}));
  when_told(1, Synced{});
  EXPECT_EQ(done(), Effects{Synced{}});
}

TEST_F(CompositionTest, ASyncFailsIfOnePartFails) {
  start();
  when(Sync{});
  when(PartSeen{1, "1:7"});
  when_told(1, SyncFailed{.why = "busy"});
  EXPECT_EQ(orders(), Effects{});
  when_told(0, SyncFailed{.why = "too old", .is_final = true});
  EXPECT_EQ(done(), (Effects{SyncFailed{.why = "too old", .is_final = true}}));
}

TEST_F(CompositionTest, TheWholeLagsAsMuchAsTheSlowestPart) {
  const auto lags = [](int seconds) {
    return Lags{.lag = std::chrono::seconds{seconds}, .why = std::to_string(seconds)};
  };
  start();
  when_told(1, lags(3));
  EXPECT_EQ(done(), Effects{lags(3)});
  when_told(0, lags(2));
  EXPECT_EQ(done(), Effects{});
  when_told(1, Lags{});
  EXPECT_EQ(done(), Effects{lags(2)});
  when_told(0, Lags{});
  EXPECT_EQ(done(), Effects{Lags{}});
  when_told(0, lags(2));
  when_told(0, Lost{.why = "gone", .clock = "c:1"});
  done();
  start();
  when_told(0, lags(2));
  EXPECT_EQ(done(), Effects{lags(2)}) << "each watch begins without a lag";
}

TEST_F(CompositionTest, ALostPartIsTriedAgainWhileTheOthersAreWatched) {
  start();
  when_told(1, Lost{.why = "Watchman ended", .clock = "d:5"});
  EXPECT_EQ(done(), (Effects{Say{Say::Level::Warning, "not watching ../shared: Watchman ended"},
                             StartTimer{kPartDelayMin}}));
  when_told(0, changed("c:2", {{.name = "a"}}));
  EXPECT_EQ(std::get<Changed>(done().at(0)).files, (std::vector<ChangedFile>{{.name = "a"}}));
  when(Sync{});
  when_told(0, Synced{});
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(orders(), (Effects{watch(1, "d:5"), SyncFailed{.why = "../shared is not watched"}}));
  when_told(1, changed("d:6", {{.name = "b"}}));
  EXPECT_EQ(std::get<Changed>(done().at(0)).files,
            (std::vector<ChangedFile>{{.name = "../shared/b"}}));
  when_told(1, Watching{});
  EXPECT_EQ(done(), Effects{(Say{Say::Level::Info, "watching ../shared again"})});
}

TEST_F(CompositionTest, ASourceThatIsLostForGoodIsReplacedBeforeThePartIsTriedAgain) {
  start();
  when_told(1, Lost{.why = "no watches", .clock = "", .is_final = true});
  EXPECT_EQ(orders(), (Effects{TakeNextSource{1}, StartTimer{kPartDelayMin}}));
  when_told(0, Lost{.why = "no watches", .clock = "c:2", .is_final = true});
  EXPECT_EQ(orders(),
            (Effects{TakeNextSource{0}, StopTimer{}, Lost{.why = "no watches", .clock = "c:2"}}));
}

TEST_F(CompositionTest, APartThatHasLostTrackCountsOneChange) {
  start();
  when_told(1, Lost{.why = "Watchman ended", .clock = ""});
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{LookAtPart{1}});
  when(PartSeen{1, "1:7"});
  when_told(1, Began{.clock = "d:9", .files = {{.name = "b"}}});
  EXPECT_EQ(std::get<Changed>(done().at(0)).lost_track,
            "the files in ../shared were not watched for a while");
}

TEST_F(CompositionTest, TheSameTroubleIsLoggedOnceAndTheDelayGrows) {
  start();
  when_told(1, Lost{.why = "no", .clock = ""});
  for (const int delay : {100, 200, 400, 800, 1600, 2000, 2000}) {
    when(TimerExpired{});
    when(PartSeen{1, "1:7"});
    when_told(1, Lost{.why = "no", .clock = ""});
    EXPECT_EQ(done(), Effects{StartTimer{std::chrono::milliseconds(delay)}});
  }
}

TEST_F(CompositionTest, AReplacedDirectoryEndsTheWatchOfItsPart) {
  start();
  when(Sync{});
  when_told(0, Synced{});
  when(PartSeen{1, "1:8"});
  EXPECT_EQ(orders(), (Effects{ToPart{1, Unwatch{}}, SyncFailed{.why = "../shared is not watched"},
                               StartTimer{kPartDelayMin}}));
  when_told(1, changed("d:2", {{.name = "late"}}));
  EXPECT_EQ(done(), Effects{});
  when(TimerExpired{});
  when(PartSeen{1, "1:8"});
  EXPECT_EQ(done(), (Effects{watch(1, "", true)}));
}

TEST_F(CompositionTest, AStirredPathIsLookedAtWhileTheWholeIsWatched) {
  when(PartStirred{1});
  EXPECT_EQ(done(), Effects{});
  start();
  when(PartStirred{1});
  EXPECT_EQ(done(), Effects{LookAtPart{1}});
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(done(), Effects{});
}

TEST_F(CompositionTest, ADirectoryThatIsAbsentHasNoFiles) {
  when(Watch{});
  when_told(0, Began{.clock = "c:1", .files = {}});
  when(PartSeen{1, ""});
  EXPECT_EQ(done(), (Effects{Say{Say::Level::Warning,
                                 "../shared is no directory, or does not exist: hpp watches it "
                                 "when it is there"},
                             Began{.clock = "c:1", .files = {}}, StartTimer{kPartDelayMin}}));
  when_told(0, Watching{});
  EXPECT_EQ(done(), Effects{Watching{}});
  when(Sync{});
  when(PartSeen{1, ""});
  when_told(0, Synced{});
  EXPECT_EQ(done(), Effects{Synced{}});
  when(Sync{});
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(done(), Effects{watch(1)});
  when_told(0, Synced{});
  EXPECT_EQ(done(), Effects{SyncFailed{.why = "../shared is not watched"}});
}

TEST_F(CompositionTest, ADirectoryThatIsRemovedCountsOneChange) {
  start();
  when_told(1, Lost{.why = "the directory is gone", .clock = "d:2"});
  when(TimerExpired{});
  when(PartSeen{1, ""});
  EXPECT_EQ(std::get<Changed>(orders().at(0)),
            (Changed{.clock = "c:1", .files = {}, .lost_track = "../shared is gone"}));
}

TEST_F(CompositionTest, TheLossOfTheProjectFolderEndsTheWhole) {
  start();
  when(Sync{});
  when_told(0, Lost{.why = "gone", .clock = "c:8"});
  const Effects effects = done();
  ASSERT_EQ(effects.size(), 2U);
  EXPECT_EQ(effects[0], CompositionEffect(ToPart{1, Unwatch{}}));
  EXPECT_TRUE(std::get<Lost>(effects[1]).clock.starts_with("c:8\n"));
  EXPECT_TRUE(std::get<Lost>(effects[1]).clock.ends_with(" 1:7 d:1"));
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(done(), Effects{}) << "the look for the Sync is answered after the end";
}

// ---- symbolic links -----------------------------------------------------------------------------

class Links : public CompositionTest {
 protected:
  // Begins the watch of the project folder alone.
  void start_alone(const Filter& filter = {}) {
    whole_ = Composition("/home/me/site", {""}, filter);
    when(Watch{});
    when_told(0, Began{.clock = "c:1", .files = {}});
    when_told(0, Watching{});
    done();
  }

  // Begins the watch of a link's part.
  void start_part(std::size_t part) {
    when(PartSeen{part, "1:7"});
    EXPECT_EQ(done(), Effects{watch(part)});
    when_told(part, Began{.clock = "d:1", .files = {}});
    when_told(part, Watching{});
    done();
  }

  const OutsideLink kLib{.name = "lib", .target = "/home/me/shared/lib", .is_folder = true};
  const OutsideLink kFile{.name = "conf.py", .target = "/etc/site/real.py"};
};

TEST_F(Links, ThatASourceListsBecomePartsBeforeTheWholeBegins) {
  whole_ = Composition("/home/me/site", {""}, {.patterns = {"lib/**/*.py"}});
  when(Watch{});
  when_told(0, LinksListed{{"lib", "inner"}});
  EXPECT_EQ(effects_, (Effects{FollowLinks{{"lib", "inner"}}}));
  when(LinksFollowed{{kLib, kFile}});
  EXPECT_EQ(done(), (Effects{AddPart{kLib}, LookAtPart{1}})) << "no pattern can reach the file";
  when_told(0, Began{.clock = "c:1", .files = {}});
  EXPECT_EQ(done(), Effects{});
  when(PartSeen{1, "1:7"});
  when_told(1, Began{.clock = "d:1", .files = {}});
  EXPECT_TRUE(std::holds_alternative<Began>(done().back()));
  when_told(0, Watching{});
  when_told(1, Watching{});
  EXPECT_EQ(done(), Effects{Watching{}});
  when_told(1, changed("d:2", {{.name = "money.py"}, {.name = "b.txt"}}));
  EXPECT_EQ(std::get<Changed>(done().at(0)).files,
            (std::vector<ChangedFile>{{.name = "lib/money.py"}}));
}

TEST_F(Links, AmongTheChangedFilesBecomeParts) {
  start_alone({.patterns = {"**/*.py"}});
  when_told(0, changed("c:2", {{.name = "lib"}, {.name = "a.py"}}));
  EXPECT_EQ(effects_.front(), CompositionEffect(FollowLinks{{"lib", "a.py"}}));
  EXPECT_EQ(std::get<Changed>(done().at(0)).files, (std::vector<ChangedFile>{{.name = "a.py"}}))
      << "the link itself matches no pattern";
  when(LinksFollowed{{kLib}});
  EXPECT_EQ(done(), (Effects{AddPart{kLib}, LookAtPart{1}}));
  when(Sync{});
  when_told(0, Synced{});
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(orders().back(), CompositionEffect(SyncFailed{.why = "lib is not watched"}));
  when_told(1, Began{.clock = "d:1", .files = {}});
  EXPECT_EQ(std::get<Changed>(done().at(0)).lost_track,
            "the files in lib were not watched for a while");
}

TEST_F(Links, ThatAppearDuringASyncFailIt) {
  start_alone();
  when(Sync{});
  when_told(0, changed("c:2", {{.name = "lib"}}));
  when(LinksFollowed{{kLib}});
  done();
  when_told(0, Synced{});
  EXPECT_EQ(done(), Effects{SyncFailed{.why = "lib is not watched"}});
}

TEST_F(Links, ToAFileHaveItsFolderWatchedForThatFile) {
  start_alone();
  when(LinksFollowed{{kFile}});
  EXPECT_EQ(done(), (Effects{AddPart{kFile}, LookAtPart{1}}));
  start_part(1);
  when_told(1, changed("d:2", {{.name = "real.py"}, {.name = "other.py"}}));
  EXPECT_EQ(std::get<Changed>(done().at(0)).files, (std::vector<ChangedFile>{{.name = "conf.py"}}));
}

TEST_F(Links, ToADirectoryThatAreSwitchedEndTheWatchOfTheirPart) {
  start_alone();
  when(LinksFollowed{{kLib}});
  done();
  start_part(1);
  when_told(0, changed("c:2", {{.name = "lib"}}));
  EXPECT_EQ(effects_.front(), CompositionEffect(LookAtPart{1}));
  done();
  when(LinksFollowed{{{.name = "lib", .target = "/home/me/other", .is_folder = true}}});
  EXPECT_EQ(done(), Effects{}) << "the source follows the link";
  when(PartSeen{1, "1:8"});
  EXPECT_EQ(orders(), (Effects{ToPart{1, Unwatch{}}, StartTimer{kPartDelayMin}}));
}

TEST_F(Links, ToAFileThatAreSwitchedRetireTheirPart) {
  start_alone();
  when(LinksFollowed{{kFile}});
  done();
  start_part(1);
  const OutsideLink other{.name = "conf.py", .target = "/etc/site/other.py"};
  when(LinksFollowed{{other}});
  EXPECT_EQ(done(), (Effects{ToPart{1, Unwatch{}}, RetirePart{1}, AddPart{other}, LookAtPart{2}}));
  when_told(1, changed("d:2", {{.name = "real.py"}}));
  EXPECT_EQ(done(), Effects{});
  start_part(2);
  when(Sync{});
  EXPECT_EQ(done(), (Effects{ToPart{0, Sync{}}, LookAtPart{2}}));
  when(PartSeen{2, ""});
  EXPECT_EQ(effects_.front(), CompositionEffect(FollowLinks{{"conf.py"}}));
}

TEST_F(Links, InAPartMayLeadToAnotherPartButNotInACircle) {
  start_alone();
  when(LinksFollowed{{kLib}});
  done();
  start_part(1);
  when_told(1, changed("d:2", {{.name = "more"}}));
  EXPECT_EQ(effects_.front(), CompositionEffect(FollowLinks{{"lib/more"}}));
  done();
  for (const char* target :
       {"/home/me/shared/lib/sub", "/home/me/shared", "/home/me", "/home", "/"}) {
    when(LinksFollowed{{{.name = "lib/more", .target = target, .is_folder = true}}});
    EXPECT_EQ(orders(), Effects{}) << target;
  }
  const OutsideLink more{.name = "lib/more", .target = "/home/me/shared/lib2", .is_folder = true};
  when(LinksFollowed{{more}});
  EXPECT_EQ(done(), (Effects{AddPart{more}, LookAtPart{2}}));
}

TEST_F(Links, HaveALimitAndTheOthersAreNamed) {
  start_alone();
  std::vector<OutsideLink> links;
  for (std::size_t i = 0; i < kRootsMax; ++i) {
    links.push_back({.name = "l" + std::to_string(i), .target = "/x", .is_folder = true});
  }
  when(LinksFollowed{links});
  const Effects effects = done();
  EXPECT_EQ(effects.size(), 2 * (kRootsMax - 1) + 1);
  EXPECT_EQ(effects.back(),
            CompositionEffect(Say{Say::Level::Warning, outside_warning({links.back()})}));
}

TEST_F(Links, AreContinuedFromTheClock) {
  start_alone();
  when(LinksFollowed{{kLib}});
  done();
  start_part(1);
  when_told(0, changed("c:5", {}));
  const std::string clock = last_clock();
  whole_ = Composition("/home/me/site", {""}, {});
  when(Watch{.since = clock});
  when(LinksFollowed{{kLib}});
  done();
  when(PartSeen{1, "1:7"});
  EXPECT_EQ(done(), Effects{watch(1, "d:1")});
}

}  // namespace
}  // namespace hpp::watchd
