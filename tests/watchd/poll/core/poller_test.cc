#include "watchd/poll/core/poller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/support/driver.h"

namespace hpp::watchd::poll {

using test::PrintTo;

namespace {

using std::chrono::milliseconds;
using State = Poller::State;
using Names = std::vector<std::string>;

constexpr std::uint32_t kLinkMode = 0120777;              // inode(7)
constexpr std::int64_t kOld = 1'000'000'000'123'456'789;  // ns since the epoch
constexpr std::int64_t kNow = kOld + 3'600'000'000'000;

// ---- helpers: a tree of files, and a shell whose scans take no time -----------------------------

class PollerTest : public testing::Test, protected test::Driver<Poller, Event, Effect> {
 protected:
  struct File {
    Mark mark;
    std::uint64_t content = 1;
  };

  void SetUp() override { drive(Poller({})); }

  void when(const Event& event) { (*this)(event); }

  // Answers StartScan and ReadContents at once, unless the test has disabled that.
  std::optional<Event> perform(Effect& effect) override {
    if (const auto* timer = std::get_if<StartTimer>(&effect)) delay_ = timer->delay;
    if (!answers_) return std::nullopt;
    if (std::holds_alternative<StartScan>(effect)) return scan();
    if (const auto* read = std::get_if<ReadContents>(&effect)) return contents(*read);
    return std::nullopt;
  }

  Scanned scan() const {
    Listing listing;
    for (const auto& [name, file] : files_) listing.push_back({.name = name, .mark = file.mark});
    std::sort(listing.begin(), listing.end(), [](const ListedFile& one, const ListedFile& other) {
      return precedes(one.name, other.name);
    });
    return {
        .files = std::make_shared<Listing>(std::move(listing)), .took = took_, .began_ns = kNow};
  }

  ContentsRead contents(const ReadContents& read) {
    ContentsRead contents;
    for (const std::string& name : read.names) {
      ++reads_[name];
      const auto file = files_.find(name);
      contents.digests.push_back(file == files_.end() ? std::nullopt
                                                      : std::optional(file->second.content));
    }
    return contents;
  }

  void watch(const std::string& since = "") { when(Watch{.since = since}); }

  // The timer expires, if it runs.
  void pass() {
    ASSERT_EQ(state(), State::Waiting);
    (*this)(TimerExpired{}, delay_);
  }

  // A save, at a time that no other save has.
  void save(const std::string& name) {
    files_[name].mark.modified_ns = ++clock_ns_;
    files_[name].mark.changed_ns = clock_ns_;
    ++files_[name].content;
  }

  // The names of all changes that the last event has led to.
  Names changed() const {
    Names names;
    for (const Changed& report : all<Changed>()) {
      for (const ChangedFile& file : report.files) names.push_back(file.name);
    }
    return names;
  }

  std::string clock() const {
    if (!all<Began>().empty()) return all<Began>().back().clock;
    return all<Changed>().back().clock;
  }

  bool has_synced() const { return all<Synced>().size() == 1; }

  std::map<std::string, File> files_{{"a", {.mark = {.modified_ns = kOld, .changed_ns = kOld}}},
                                     {"b", {.mark = {.modified_ns = kOld, .changed_ns = kOld}}}};
  std::map<std::string, int> reads_;
  std::int64_t clock_ns_ = kNow;
  milliseconds took_{1};
  milliseconds delay_{0};
  bool answers_ = true;
};

// ---- the beginning ------------------------------------------------------------------------------

TEST_F(PollerTest, WithoutAClockTheWatchBegins) {
  watch();
  ASSERT_EQ(all<Began>().size(), 1U);
  EXPECT_TRUE(all<Began>()[0].files.empty());
  EXPECT_EQ(all<Watching>().size(), 1U);
  EXPECT_EQ(delay_, milliseconds{500});
  EXPECT_TRUE(reads_.empty());
  EXPECT_TRUE(all<LinksListed>().empty());
}

TEST_F(PollerTest, ToIgnoreUnchangedFilesAllContentsAreReported) {
  drive(Poller({.wants_digests = true}));
  watch();
  EXPECT_EQ(all<Began>()[0].files,
            (std::vector<ChangedFile>{{.name = "a", .digest = 1}, {.name = "b", .digest = 1}}));
  save("b");
  when(Sync{});
  EXPECT_EQ(all<Changed>()[0].files, (std::vector<ChangedFile>{{.name = "b", .digest = 2}}));
}

TEST_F(PollerTest, LinksAreListedIfTheFilesWereUnknown) {
  files_["link"].mark.mode = kLinkMode;
  watch();
  EXPECT_EQ(all<LinksListed>(), (std::vector<LinksListed>{{{"link"}}}));
  pass();
  EXPECT_TRUE(all<LinksListed>().empty());
  when(Unwatch{});
  when(Watch{});
  EXPECT_EQ(all<LinksListed>(), (std::vector<LinksListed>{{{"link"}}}));
}

TEST_F(PollerTest, AnotherWatchdSeesWhetherAnyFileHasChanged) {
  watch();
  const std::string clock = this->clock();
  drive(Poller({}));
  watch(clock);
  EXPECT_EQ(all<Changed>(), std::vector<Changed>{{.clock = clock}}) << "nothing is invented";
  save("a");
  drive(Poller({}));
  watch(clock);
  ASSERT_EQ(all<Changed>().size(), 1U);
  EXPECT_EQ(all<Changed>()[0].lost_track, "files changed while they were not watched");
  EXPECT_NE(all<Changed>()[0].clock, clock);
  EXPECT_EQ(all<Watching>().size(), 1U);
}

TEST_F(PollerTest, AClockOfAnotherSourceTellsNothing) {
  watch("c:1:2");
  EXPECT_EQ(all<Changed>()[0].lost_track, "the files were not watched for a while");
}

TEST_F(PollerTest, AfterALossTheChangesHaveNames) {
  watch();
  const std::string clock = this->clock();
  answers_ = false;
  pass();
  when(ScanFailed{"stale file handle"});
  EXPECT_EQ(all<Lost>(), (std::vector<Lost>{{.why = "stale file handle", .clock = clock}}));
  EXPECT_EQ(state(), State::Off);
  answers_ = true;
  save("b");
  watch(clock);
  EXPECT_EQ(changed(), Names{"b"});
  EXPECT_EQ(all<Watching>().size(), 1U);
}

TEST_F(PollerTest, AFailureOfTheFirstScanKeepsTheClock) {
  answers_ = false;
  watch("poll:1");
  when(ScanFailed{"no"});
  EXPECT_EQ(all<Lost>()[0].clock, "poll:1");
}

TEST_F(PollerTest, UnwatchEndsEachStep) {
  watch();
  when(Unwatch{});
  EXPECT_EQ(effects(), Effects{StopTimer{}});
  answers_ = false;
  watch();
  when(Unwatch{});
  EXPECT_EQ(effects(), Effects{Abandon{}});
  when(scan());
  when(TimerExpired{});
  when(Sync{});
  when(Unwatch{});
  EXPECT_EQ(effects(), Effects{});
  EXPECT_EQ(state(), State::Off);
}

// ---- changes ------------------------------------------------------------------------------------

TEST_F(PollerTest, NothingIsReportedIfNothingHasChanged) {
  watch();
  pass();
  EXPECT_EQ(effects(), (Effects{StartScan{}, StartTimer{milliseconds{500}}}));
}

TEST_F(PollerTest, AChangeIsReportedWhenTheFilesHaveSettled) {
  watch();
  save("a");
  pass();
  EXPECT_EQ(changed(), Names{});
  EXPECT_EQ(delay_, milliseconds{20});
  save("b");
  pass();
  EXPECT_EQ(changed(), Names{});
  pass();
  EXPECT_EQ(changed(), (Names{"a", "b"}));
  EXPECT_EQ(delay_, milliseconds{500});
}

TEST_F(PollerTest, FilesThatNeverSettleAreReportedNevertheless) {
  watch();
  int passes = 0;
  do {
    save("a");
    pass();
    ++passes;
  } while (changed().empty() && passes < 1000);
  EXPECT_EQ(passes, 1 + kReportDelayMax / milliseconds{20});
}

TEST_F(PollerTest, AChangeThatIsTakenBackIsNone) {
  watch();
  const File before = files_["a"];
  save("a");
  pass();
  files_["a"] = before;
  pass();
  EXPECT_EQ(changed(), Names{});
  EXPECT_EQ(delay_, milliseconds{500});
}

TEST_F(PollerTest, NewAndGoneFilesAreMarked) {
  watch();
  files_.erase("a");
  save("c");
  when(Sync{});
  EXPECT_EQ(all<Changed>()[0].files, (std::vector<ChangedFile>{{.name = "a", .exists = false},
                                                               {.name = "c", .is_new = true}}));
}

// ---- the barrier --------------------------------------------------------------------------------

TEST_F(PollerTest, ASyncScansAtOnceAndReportsFirst) {
  watch();
  save("a");
  when(Sync{});
  EXPECT_EQ(changed(), Names{"a"});
  EXPECT_TRUE(has_synced());
  EXPECT_TRUE(std::holds_alternative<StopTimer>(effects().front()));
  EXPECT_TRUE(std::holds_alternative<Synced>(effects()[effects().size() - 2]));
}

TEST_F(PollerTest, ASyncDropsAScanThatMayHavePassedTheFile) {
  watch();
  answers_ = false;
  pass();
  const Scanned late = scan();
  save("a");
  when(Sync{});
  EXPECT_EQ(effects(), Effects{StartScan{}}) << "the shell drops the other scan";
  when(scan());
  ASSERT_EQ(state(), State::Reading);
  save("b");
  EXPECT_FALSE(has_synced());
  when(contents({{"a"}}));
  EXPECT_EQ(changed(), Names{"a"});
  EXPECT_TRUE(has_synced());
}

TEST_F(PollerTest, ASyncDropsContentsThatAreReadForAnEarlierScan) {
  watch();
  save("a");
  when(Sync{});
  answers_ = false;
  pass();
  when(scan());
  ASSERT_EQ(state(), State::Reading) << "a is young";
  when(Sync{});
  EXPECT_EQ(effects(), Effects{StartScan{}});
  when(scan());
  when(contents({{"a"}}));
  EXPECT_TRUE(has_synced());
}

TEST_F(PollerTest, IfScansAreSlowASyncIsNotWaitedFor) {
  took_ = milliseconds{1500};
  watch();
  ASSERT_EQ(
      all<Lags>(),
      (std::vector<Lags>{{.lag = milliseconds{3000}, .why = "a look at 2 files takes 1500 ms"}}));
  EXPECT_EQ(delay_, milliseconds{1500});
  save("a");
  when(Sync{});
  EXPECT_EQ(effects(), Effects{Synced{}});
  pass();
  EXPECT_EQ(changed(), Names{"a"})
      << "no second slow scan finds out whether the files have settled";
  took_ = milliseconds{10};
  pass();
  EXPECT_EQ(all<Lags>()[0].lag, milliseconds{0});
  save("a");
  when(Sync{});
  EXPECT_EQ(changed(), Names{"a"});
}

TEST_F(PollerTest, EachWatchBeginsWithoutALag) {
  took_ = milliseconds{1500};
  watch();
  const std::string clock = this->clock();
  when(Unwatch{});
  watch(clock);
  EXPECT_EQ(all<Lags>().size(), 1U) << "Tree has forgotten the lag";
}

// ---- two saves in one tick ----------------------------------------------------------------------

class Ticks : public PollerTest {
 protected:
  // A save that does not change the metadata.
  void save_unseen(const std::string& name) { ++files_[name].content; }

  Names sync() {
    when(Sync{});
    return changed();
  }
};

TEST_F(Ticks, ASecondSaveInTheSameTickIsSeen) {
  watch();
  save("a");
  EXPECT_EQ(sync(), Names{"a"});
  save_unseen("a");
  EXPECT_EQ(sync(), Names{"a"});
  save_unseen("a");
  EXPECT_EQ(sync(), Names{"a"});
  EXPECT_EQ(sync(), Names{});
}

TEST_F(Ticks, ContentsAreReadUntilAScanAfterTheTick) {
  watch();
  save("a");
  EXPECT_EQ(sync(), Names{"a"});
  wait(kFineTick);
  save_unseen("a");
  EXPECT_EQ(sync(), Names{"a"});
  wait(kFineTick);
  EXPECT_EQ(sync(), Names{});
  const int reads = reads_["a"];
  EXPECT_EQ(sync(), Names{});
  EXPECT_EQ(reads_["a"], reads);
}

TEST_F(Ticks, CoarseTicksAreLonger) {
  watch();
  files_["a"].mark.modified_ns = files_["a"].mark.changed_ns = kNow / 1'000'000'000 * 1'000'000'000;
  EXPECT_EQ(sync(), Names{"a"});
  wait(kCoarseTick - milliseconds{1});
  EXPECT_EQ(sync(), Names{});
  save_unseen("a");
  wait(milliseconds{1});
  EXPECT_EQ(sync(), Names{"a"});
}

TEST_F(Ticks, FilesThatWereSavedJustBeforeTheWatchAreYoung) {
  files_["a"].mark.modified_ns = kNow - 1'500'000'000;
  watch();
  EXPECT_EQ(reads_, (std::map<std::string, int>{{"a", 1}}));
  save_unseen("a");
  EXPECT_EQ(sync(), Names{"a"});
}

TEST_F(Ticks, AYoungFileThatIsGoneIsReportedOnce) {
  watch();
  save("a");
  EXPECT_EQ(sync(), Names{"a"});
  files_.erase("a");
  EXPECT_EQ(sync(), Names{"a"});
  EXPECT_EQ(sync(), Names{});
}

}  // namespace
}  // namespace hpp::watchd::poll
