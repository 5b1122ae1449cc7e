#include "watchd/core/tree.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>

#include "tests/support/driver.h"

namespace hpp::watchd {

std::string text_of(const Publish& effect) {
  const bus::TreeState& t = effect.tree;
  std::string text = fmt::format("Publish {} {}", t.revision, t.clock);
  if (t.watching) text += " watching";
  if (t.settling) text += " settling";
  if (!t.problem.empty()) text += fmt::format(" problem '{}'", t.problem);
  text += fmt::format(" changed {} of {}", fmt::join(t.changed, ","), t.changed_count);
  text += fmt::format(" refresh {} css {} reload {}", t.refresh.count,
                      fmt::join(t.refresh.css, ","), fmt::join(t.refresh.reload, ","));
  return text + fmt::format(" answers {}:{}", t.answers.epoch, t.answers.number);
}

using test::PrintTo;

namespace {

using State = Tree::State;
using std::chrono::milliseconds;
using Lines = std::vector<std::string>;

// ---- helpers: when() takes an event, done() returns its effects ---------------------------------

class TreeTest : public testing::Test, protected test::Driver<Tree, Event, Effect> {
 protected:
  void start(std::optional<bus::TreeState> resumed = {}) {
    drive(Tree({.directory = "/home/me/site", .filter = filter_, .resumed = std::move(resumed)}));
    when(Started{});
  }

  void when(const Event& event) { (*this)(event); }

  std::optional<Event> perform(Effect& effect) override {
    if (auto* publish = std::get_if<Publish>(&effect)) told_ = without_folder(publish->tree);
    if (const auto* look = std::get_if<Look>(&effect)) return answer_to(*look);
    if (const auto* ask = std::get_if<AskGit>(&effect)) return answer_to(*ask);
    return std::nullopt;
  }

  // `module` and `other` are the folders of repositories below the project folder.
  Looked answer_to(const Look& look) const {
    Looked looked{.folder = folder_, .locks = {}, .repositories = {}};
    if (lock_) looked.locks.push_back(*lock_);
    for (const auto& [repository, lock] : module_locks_) {
      const auto is_in_it = [inside = repository + '/'](const std::string& folder) {
        return (folder + '/').starts_with(inside);
      };
      if (std::none_of(look.folders.begin(), look.folders.end(), is_in_it)) continue;
      looked.repositories.push_back(repository);
      if (lock) looked.locks.push_back(*lock);
    }
    return looked;
  }

  GitAsked answer_to(const AskGit& ask) const {
    GitAsked answer{.files = ask.files, .problem = git_problem_};
    std::erase_if(answer.files, [](const auto& file) { return file.starts_with("ignored"); });
    return answer;
  }

  // Checks and removes the project folder, so that not every expectation has to repeat it.
  const bus::TreeState& without_folder(bus::TreeState& tree) {
    EXPECT_EQ(tree.directory, "/home/me/site");
    tree.directory.clear();
    told_folder_ = std::exchange(tree.directory_id, {});
    return tree;
  }

  // The effects of the last event without log lines, and without looks, which are answered already.
  Effects done() const { return all_but<Say, Look>(); }

  Lines said(Say::Level level) const {
    Lines lines;
    for (const Say& say : all<Say>()) {
      if (say.level == level) lines.push_back(say.text);
    }
    return lines;
  }

  // ---- shortcuts ----

  // Brings the tree from Starting to Watching, without a clock.
  void watch() {
    when(Began{.clock = "c:1", .files = {}});
    when(Watching{});
  }

  void when_changed(const char* clock, const Lines& names) {
    Changed changed{.clock = clock, .files = {}, .lost_track = {}};
    for (const std::string& name : names) changed.files.push_back({.name = name});
    when(changed);
  }

  void when_asked(std::uint64_t number, std::uint64_t epoch = 1) {
    when(TicketSeen{{.epoch = epoch, .number = number}});
  }

  void when_lost(const char* why = "gone") { when(Lost{.why = why, .clock = told_.clock}); }

  const Filter kFilter{.patterns = {"*.py"}, .css = {"*.css"}, .reload = {"*.html"}};
  const GitLock kLock{.path = "/home/me/.git/index.lock", .inode = 1, .modified_ns = 2};
  const SyncFailed kBusy{.why = "it is busy"};

  Filter filter_ = kFilter;
  std::string git_problem_;      // if empty, git ignores files whose name begins with `ignored`
  bus::TreeState told_;          // last published snapshot, without directory and directory_id
  std::string told_folder_;      // directory_id of the last published snapshot
  std::optional<GitLock> lock_;  // lock in the project folder's repository
  std::map<std::string, std::optional<GitLock>> module_locks_{{"module", {}}, {"other", {}}};
  std::string folder_ = "folder 1";
};

// ---- a watch begins and ends --------------------------------------------------------------------

TEST_F(TreeTest, TheFirstWatchCountsNoChange) {
  start();
  EXPECT_EQ(done(), Effects{Watch{}});
  EXPECT_EQ(state(), State::Starting);
  when(Began{.clock = "c:1", .files = {}});
  EXPECT_EQ(done(), Effects{});
  when(Watching{});
  EXPECT_EQ(done(), Effects{(Publish{{.clock = "c:1", .watching = true}})});
  EXPECT_EQ(said(Say::Level::Detail), Lines{"watching /home/me/site"});
  EXPECT_EQ(state(), State::Watching);
}

TEST_F(TreeTest, AResumedTreeContinuesFromItsClock) {
  const bus::TreeState before{.stamp = {.epoch = 9, .sequence = 4},
                              .revision = 7,
                              .clock = "c:old",
                              .watching = true,
                              .changed = {"a.py"},
                              .changed_count = 1,
                              .refresh = {.count = 4}};
  start(before);
  EXPECT_EQ(done(), Effects{Watch{.since = "c:old"}});
  when_changed("c:2", {});
  EXPECT_EQ(done(), Effects{}) << "changes are not published before Watching";
  when(Watching{});
  bus::TreeState after = before;
  after.stamp = {};
  after.clock = "c:2";
  EXPECT_EQ(told_, after);

  start(before);
  when_changed("c:2", {"x.py", "a.html"});
  when(Watching{});
  EXPECT_EQ(told_.revision, 8U);
  EXPECT_EQ(told_.changed, Lines{"x.py"});
  EXPECT_EQ(told_.refresh, (bus::Refresh{.count = 5, .reload = {"a.html"}, .reload_count = 1}));
}

TEST_F(TreeTest, ASourceThatHasLostTrackCountsOneChangeWithoutNames) {
  const Changed lost{.clock = "c:2", .files = {}, .lost_track = "Watchman has lost track"};
  start(bus::TreeState{.revision = 7, .clock = "c:old", .changed = {"a"}, .changed_count = 1});
  when(lost);
  EXPECT_EQ(said(Say::Level::Info), Lines{"Watchman has lost track: that counts as a change"});
  when(Watching{});
  EXPECT_EQ(told_, (bus::TreeState{.revision = 8, .clock = "c:2", .watching = true}));
  when_changed("c:3", {"a.py"});
  when(lost);
  EXPECT_EQ(told_, (bus::TreeState{.revision = 10, .clock = "c:2", .watching = true}));
}

TEST_F(TreeTest, AResumedTreeWithoutAClockCountsOneChange) {
  start(bus::TreeState{.problem = "Watchman was away"});
  watch();
  EXPECT_EQ(told_, (bus::TreeState{.revision = 1, .clock = "c:1", .watching = true}));
}

TEST_F(TreeTest, AWatchThatIsLostBeginsAgain) {
  start();
  watch();
  when_changed("c:2", {"a.py"});
  when(Lost{.why = "Watchman closed the connection", .clock = "c:2"});
  EXPECT_EQ(done(), (Effects{Publish{{.revision = 1,
                                      .clock = "c:2",
                                      .watching = false,
                                      .problem = "Watchman closed the connection",
                                      .changed = {"a.py"},
                                      .changed_count = 1}},
                             StartTimer{kRetryDelayMin}}));
  EXPECT_EQ(said(Say::Level::Warning), Lines{"not watching: Watchman closed the connection"});
  wait(milliseconds(120));
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{Watch{.since = "c:2"}});
  when_changed("c:2", {});
  when(Watching{});
  EXPECT_EQ(told_, (bus::TreeState{.revision = 1,
                                   .clock = "c:2",
                                   .watching = true,
                                   .changed = {"a.py"},
                                   .changed_count = 1}));
  EXPECT_EQ(said(Say::Level::Info), Lines{"watching /home/me/site again after 120 ms"});
}

TEST_F(TreeTest, RetriesForeverAndLogsTheProblemOnce) {
  start();
  milliseconds expected = kRetryDelayMin;
  for (int attempt = 0; attempt < 20; ++attempt) {
    when_lost("no such command");
    EXPECT_EQ(done().back(), Effect(StartTimer{expected}));
    EXPECT_EQ(said(Say::Level::Warning).size(), attempt == 0 ? 1U : 0U);
    EXPECT_EQ(told_.problem, "no such command");
    expected = std::min(expected * 2, kRetryDelayMax);
    when(TimerExpired{});
    EXPECT_EQ(done(), Effects{Watch{}});
  }
  EXPECT_EQ(expected, kRetryDelayMax);
  watch();
  EXPECT_EQ(told_.revision, 1U) << "the backend was running meanwhile";
  when_lost();
  EXPECT_EQ(done().back(), Effect(StartTimer{kRetryDelayMin})) << "the delay is short again";
}

TEST_F(TreeTest, AProblemWithACounterIsLoggedOnce) {
  start();
  when_lost("attempt 9 failed");
  EXPECT_EQ(said(Say::Level::Warning).size(), 1U);
  when(TimerExpired{});
  when_lost("attempt 10 failed");
  EXPECT_EQ(said(Say::Level::Warning).size(), 0U);
  EXPECT_EQ(told_.problem, "attempt 10 failed");
}

TEST_F(TreeTest, LostWithoutAClockClearsTheClock) {
  start(bus::TreeState{.revision = 7, .clock = "garbage"});
  when(Lost{.why = "no clock", .clock = ""});
  EXPECT_EQ(told_.clock, "") << "the next watchd must not use it either";
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{Watch{}});
  watch();
  EXPECT_EQ(told_, (bus::TreeState{.revision = 8, .clock = "c:1", .watching = true}));
}

TEST_F(TreeTest, ADelayIsAProblemUntilTheWatchBegins) {
  start();
  when(Delayed{"reading a large directory"});
  EXPECT_EQ(done(), Effects{(Publish{{.problem = "reading a large directory"}})});
  EXPECT_EQ(said(Say::Level::Warning), Lines{"not watching: reading a large directory"});
  when(Delayed{"reading a large directory"});
  EXPECT_EQ(said(Say::Level::Warning), Lines{});
  watch();
  EXPECT_TRUE(told_.watching);
  EXPECT_EQ(told_.problem, "");
}

TEST_F(TreeTest, ReportsOfAWatchThatHasEndedAreIgnored) {
  start();
  watch();
  when_lost();
  const bus::TreeState before = told_;
  for (const Event& late :
       std::vector<Event>{Changed{.clock = "c:7", .files = {{.name = "a.py"}}, .lost_track = {}},
                          Synced{}, kBusy, Lost{}, Watching{}, Delayed{}, Began{}}) {
    when(late);
    EXPECT_EQ(effects(), Effects{});
  }
  EXPECT_EQ(told_, before);
}

// ---- changes ------------------------------------------------------------------------------------

TEST_F(TreeTest, AChangeIsPublishedAtOnce) {
  start();
  watch();
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(done(), (Effects{Publish{{.revision = 1,
                                      .clock = "c:2",
                                      .watching = true,
                                      .changed = {"a.py"},
                                      .changed_count = 1}}}));
  EXPECT_EQ(said(Say::Level::Debug), Lines{"a.py changed"});
  when_changed("c:3", {"b.py", "c.css", "d.py"});
  EXPECT_EQ(told_.revision, 2U);
  EXPECT_EQ(told_.refresh.count, 1U);
  EXPECT_EQ(said(Say::Level::Debug), Lines{"b.py and 2 more changed"});
}

TEST_F(TreeTest, AnEmptyBatchChangesOnlyTheClock) {
  start();
  watch();
  when_changed("c:2", {"a.py"});
  when_changed("c:3", {});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.clock, "c:3");
  EXPECT_EQ(told_.changed, Lines{"a.py"});
}

TEST_F(TreeTest, AChangeBeforeWatchingCounts) {
  start();
  when(Began{.clock = "c:1", .files = {}});
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(done(), Effects{});
  when(Watching{});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.clock, "c:2");
}

TEST_F(TreeTest, ControlCharactersInNamesAreEscapedInTheLog) {
  start();
  watch();
  when_changed("c:2", {"a\nhpp-watchd: all is well\x1b[2J"});
  EXPECT_EQ(said(Say::Level::Debug), Lines{"a?hpp-watchd: all is well?[2J changed"});
  EXPECT_EQ(told_.changed, Lines{"a\nhpp-watchd: all is well\x1b[2J"});
}

TEST_F(TreeTest, TheContentsAtTheBeginningCountNoChange) {
  filter_.ignore_unchanged = true;
  const ChangedFile file{.name = "a.py", .digest = 1};
  start();
  when(Began{.clock = "c:1", .files = {file}});
  when(Watching{});
  when(Changed{.clock = "c:2", .files = {file}, .lost_track = {}});
  EXPECT_EQ(told_, (bus::TreeState{.clock = "c:2", .watching = true}));
  when_lost();
  when(TimerExpired{});
  when(Changed{.clock = "c:3", .files = {file}, .lost_track = {}});
  when(Watching{});
  EXPECT_EQ(told_.revision, 0U) << "the contents are still known after the loss";
}

// ---- tickets ------------------------------------------------------------------------------------

TEST_F(TreeTest, ATicketIsAnsweredByASync) {
  start();
  watch();
  when_asked(1);
  EXPECT_EQ(done(), Effects{Sync{}});
  EXPECT_EQ(all<Look>(), std::vector<Look>{Look{}});
  when(Synced{});
  EXPECT_EQ(
      done(),
      (Effects{Publish{{.clock = "c:1", .watching = true, .answers = {.epoch = 1, .number = 1}}}}));
  when_asked(1);
  EXPECT_EQ(effects(), Effects{}) << "a repeated snapshot with the same ticket";
  when(TicketSeen{});
  EXPECT_EQ(effects(), Effects{}) << "a snapshot without a ticket";
}

TEST_F(TreeTest, TheChangesOfASyncArePublishedWithTheAnswer) {
  start();
  watch();
  when_asked(1);
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(told_.revision, 1U) << "published at once, so that the backend is killed early";
  EXPECT_EQ(told_.answers, bus::Ticket{});
  when(Synced{});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.answers, (bus::Ticket{.epoch = 1, .number = 1}));
}

TEST_F(TreeTest, ASyncCoversOnlyTicketsThatCameBeforeIt) {
  start();
  watch();
  when_asked(3);
  when_asked(4);
  when_asked(6);
  EXPECT_EQ(effects(), Effects{}) << "one Sync at a time";
  when(Synced{});
  EXPECT_EQ(told_.answers, (bus::Ticket{.epoch = 1, .number = 3}));
  EXPECT_EQ(done().back(), Effect(Sync{}));
  when(Synced{});
  EXPECT_EQ(told_.answers, (bus::Ticket{.epoch = 1, .number = 6}));
  EXPECT_EQ(all<Sync>(), std::vector<Sync>{});
}

TEST_F(TreeTest, TheTicketsOfARestartedProxydAreAnswered) {
  start();
  watch();
  when_asked(90);
  when_asked(1, /*epoch=*/2);
  when(Synced{});
  EXPECT_EQ(done().back(), Effect(Sync{}));
  when(Synced{});
  EXPECT_EQ(told_.answers, (bus::Ticket{.epoch = 2, .number = 1}));
}

TEST_F(TreeTest, ATicketWaitsUntilFilesAreWatched) {
  start();
  when_asked(1);
  EXPECT_EQ(effects(), Effects{});
  watch();
  EXPECT_EQ(done(), (Effects{Publish{{.clock = "c:1", .watching = true}}, Sync{}}));
  when_asked(2);
  when_lost();
  EXPECT_FALSE(told_.watching);
  EXPECT_EQ(told_.answers, bus::Ticket{});
  when(TimerExpired{});
  when_changed("c:2", {});
  when(Watching{});
  EXPECT_EQ(done().back(), Effect(Sync{}));
  when(Synced{});
  EXPECT_EQ(told_.answers, (bus::Ticket{.epoch = 1, .number = 2}));
}

TEST_F(TreeTest, AResumedTreeHasAnsweredNoTicket) {
  start(bus::TreeState{.revision = 7,
                       .clock = "c:old",
                       .watching = true,
                       .answers = {.epoch = 1, .number = 5},
                       .settling = true});
  when_asked(5);
  when_changed("c:2", {});
  when(Watching{});
  EXPECT_EQ(all<Publish>().front(), (Publish{{.revision = 7, .clock = "c:2", .watching = true}}));
  EXPECT_EQ(done().back(), Effect(Sync{}));
}

TEST_F(TreeTest, AFailedSyncIsRepeatedAndLoggedOnce) {
  start();
  watch();
  when_asked(1);
  for (int i = 1; i <= 20; ++i) {
    when(kBusy);
    EXPECT_EQ(done(), Effects{StartTimer{std::min(i * kSyncPauseMin, kSyncPauseMax)}});
    EXPECT_EQ(said(Say::Level::Warning).size(), i == kSyncFailuresBeforeWarning ? 1U : 0U);
    when_asked(static_cast<std::uint64_t>(i));
    EXPECT_EQ(effects(), Effects{});
    when(TimerExpired{});
    EXPECT_EQ(done(), Effects{Sync{}});
  }
  EXPECT_EQ(state(), State::Watching);
  EXPECT_EQ(told_, (bus::TreeState{.clock = "c:1", .watching = true}))
      << "the ticket is not answered";
  when(Synced{});
  EXPECT_EQ(told_.answers, (bus::Ticket{.epoch = 1, .number = 20}));
  when_asked(21);
  when(kBusy);
  EXPECT_EQ(done(), Effects{StartTimer{kSyncPauseMin}}) << "the pause is short again";
}

TEST_F(TreeTest, AChangeDuringAPauseIsPublishedAtOnce) {
  start();
  watch();
  when_asked(1);
  when(kBusy);
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(all<Publish>().size(), 1U);
  EXPECT_EQ(all<StopTimer>().size(), 0U);
  EXPECT_EQ(told_.revision, 1U);
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{Sync{}});
}

TEST_F(TreeTest, ALagIsPublishedAndLoggedOnce) {
  start();
  when(Began{.clock = "c:1", .files = {}});
  when(Lags{.lag = milliseconds{3000}, .why = "a look at 9 files takes 2 s"});
  EXPECT_EQ(
      said(Say::Level::Warning),
      Lines{"old code may answer requests for up to 3 s after a save: a look at 9 files takes "
            "2 s. To poll faster, leave out large folders with --exclude"});
  when(Watching{});
  EXPECT_EQ(told_.lag_ms, 3000U);
  when_asked(1);
  when(Synced{});
  EXPECT_EQ(told_.answers.number, 1U) << "a request does not wait";
  when(Lags{});
  EXPECT_EQ(told_.lag_ms, 0U);
  when(Lags{.lag = milliseconds{4000}, .why = "again"});
  EXPECT_EQ(told_.lag_ms, 4000U);
  EXPECT_EQ(said(Say::Level::Warning), Lines{});
  when_lost();
  EXPECT_EQ(told_.lag_ms, 0U) << "the next watch begins without one";
}

TEST_F(TreeTest, ASourceThatCannotSyncGetsNoSync) {
  const SyncFailed never{.why = "it cannot", .is_final = true};
  start();
  watch();
  when_asked(1);
  when(never);
  EXPECT_EQ(done(), Effects{});
  EXPECT_EQ(said(Say::Level::Warning),
            Lines{"old code may answer requests that come right after a save: it cannot"});
  when_asked(2);
  EXPECT_EQ(effects(), Effects{});
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(told_, (bus::TreeState{.revision = 1,
                                   .clock = "c:2",
                                   .watching = true,
                                   .changed = {"a.py"},
                                   .changed_count = 1}));
  // The next watch may use a newer Watchman, so a Sync is sent again.
  when_lost();
  when(TimerExpired{});
  when_changed("c:3", {});
  when(Watching{});
  EXPECT_EQ(done().back(), Effect(Sync{}));
  when(never);
  EXPECT_EQ(said(Say::Level::Warning), Lines{});
}

// ---- git's lock ---------------------------------------------------------------------------------

TEST_F(TreeTest, TicketsWaitWhileGitIsWriting) {
  start();
  watch();
  lock_ = kLock;
  when_asked(1);
  EXPECT_EQ(done(), (Effects{Publish{{.clock = "c:1", .watching = true, .settling = true}},
                             StartTimer{kLockLookPause}}));
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{StartTimer{kLockLookPause}}) << "settling is published once";
  when_asked(2);
  EXPECT_EQ(effects(), Effects{});
  lock_.reset();
  when(TimerExpired{});
  EXPECT_EQ(done(), (Effects{StopTimer{}, Sync{}}));
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{}) << "one checkout must cause one restart";
  when(Synced{});
  const Publish once{{.revision = 1,
                      .clock = "c:2",
                      .watching = true,
                      .changed = {"a.py"},
                      .changed_count = 1,
                      .answers = {.epoch = 1, .number = 2}}};
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{once});
}

TEST_F(TreeTest, NoChangeIsPublishedWhileGitIsWriting) {
  start();
  watch();
  lock_ = kLock;
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(told_, (bus::TreeState{.clock = "c:1", .watching = true, .settling = true}));
  when_changed("c:3", {"b.py"});
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{});
  lock_.reset();
  when(TimerExpired{});
  EXPECT_EQ(done().back(), Effect(Sync{})) << "fetches the remaining changes";
  when_changed("c:4", {"c.py"});
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{});
  when(Synced{});
  EXPECT_EQ(told_, (bus::TreeState{.revision = 1,
                                   .clock = "c:4",
                                   .watching = true,
                                   .changed = {"a.py", "b.py", "c.py"},
                                   .changed_count = 3}));
}

TEST_F(TreeTest, NoChangeIsPublishedWhileGitIsWritingInASubmodule) {
  start();
  watch();
  module_locks_["module"] = GitLock{.path = "/home/me/.git/modules/module/index.lock"};
  when_asked(1);
  EXPECT_EQ(done(), Effects{Sync{}}) << "no file of the submodule has been reported yet";
  when_changed("c:2", {"module/src/a.py"});
  EXPECT_EQ(told_, (bus::TreeState{.clock = "c:1", .watching = true, .settling = true}));
  when(Synced{});
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{StartTimer{kLockLookPause}}) << "the submodule is still looked at";
  module_locks_["module"].reset();
  when(TimerExpired{});
  when_changed("c:3", {"module/src/b.py"});
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{});
  when(Synced{});
  EXPECT_EQ(told_, (bus::TreeState{.revision = 1,
                                   .clock = "c:3",
                                   .watching = true,
                                   .changed = {"module/src/a.py", "module/src/b.py"},
                                   .changed_count = 2,
                                   .answers = {.epoch = 1, .number = 1}}));
}

TEST_F(TreeTest, ALockInASubmoduleDoesNotHoldChangesElsewhere) {
  start();
  watch();
  module_locks_["module"] = GitLock{.path = "/home/me/.git/modules/module/index.lock"};
  when_changed("c:2", {"a.py", "other/b.py"});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_FALSE(told_.settling);
}

TEST_F(TreeTest, FoldersAreLookedAtUntilTheirFilesArePublished) {
  start();
  watch();
  when_changed("c:2", {"src/a.py", "b.py", "module/deep/c.py"});
  EXPECT_EQ(all<Look>(), (std::vector<Look>{{.folders = {"module/deep", "src"}}}));
  when_changed("c:3", {"d.py"});
  EXPECT_EQ(all<Look>(), std::vector<Look>{Look{}});
}

TEST_F(TreeTest, ALockDuringASyncInvalidatesTheSync) {
  start();
  watch();
  when_asked(1);
  lock_ = kLock;
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(told_, (bus::TreeState{.clock = "c:1", .watching = true, .settling = true}));
  lock_.reset();
  when(Synced{});
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{}) << "the Sync may have reported only a part";
  EXPECT_EQ(done().back(), Effect(Sync{}));
  when(Synced{});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.answers, (bus::Ticket{.epoch = 1, .number = 1}));
  EXPECT_FALSE(told_.settling);
}

TEST_F(TreeTest, ALockBeforeTheAnswerInvalidatesTheSync) {
  start();
  watch();
  when_asked(1);
  lock_ = kLock;
  when(Synced{});
  EXPECT_EQ(done(), (Effects{Publish{{.clock = "c:1", .watching = true, .settling = true}},
                             StartTimer{kLockLookPause}}));
  lock_.reset();
  when(TimerExpired{});
  EXPECT_EQ(done().back(), Effect(Sync{}));
}

TEST_F(TreeTest, AStaleLockIsRespectedForALimitedTime) {
  start();
  watch();
  lock_ = kLock;
  when_asked(1);
  wait(kGitLockPatience - milliseconds(1));
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{StartTimer{kLockLookPause}});
  wait(milliseconds(1));
  when(TimerExpired{});
  EXPECT_EQ(
      said(Say::Level::Warning),
      Lines{"/home/me/.git/index.lock has existed for 10 s: hpp no longer waits for git. If no "
            "git command is running, git has crashed; delete that file"});
  EXPECT_EQ(done().back(), Effect(Sync{}));
  when(Synced{});
  EXPECT_EQ(told_.answers, (bus::Ticket{.epoch = 1, .number = 1}));
  EXPECT_FALSE(told_.settling);
  when_asked(2);
  EXPECT_EQ(done(), Effects{Sync{}});
  EXPECT_EQ(said(Say::Level::Warning), Lines{});
  lock_->modified_ns += 1;
  when(Synced{});
  EXPECT_TRUE(told_.settling) << "the next lock is respected";
}

TEST_F(TreeTest, GitsChangesArePublishedWithoutASyncIfTheSourceCannotSync) {
  start();
  watch();
  lock_ = kLock;
  when_changed("c:2", {"a.py"});
  lock_.reset();
  when(TimerExpired{});
  when(kBusy);
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_FALSE(told_.settling);
  when(TimerExpired{});
  EXPECT_EQ(effects(), Effects{}) << "no ticket is open";

  lock_ = kLock;
  when_changed("c:3", {"b.py"});
  lock_.reset();
  when(TimerExpired{});
  when(SyncFailed{.why = "it cannot", .is_final = true});
  EXPECT_EQ(told_.revision, 2U);
  lock_ = kLock;
  when_changed("c:4", {"c.py"});
  EXPECT_EQ(told_.revision, 2U);
  lock_.reset();
  when(TimerExpired{});
  EXPECT_EQ(all<Sync>(), std::vector<Sync>{});
  EXPECT_EQ(told_.revision, 3U);
  EXPECT_FALSE(told_.settling);
}

TEST_F(TreeTest, ALostWatchPublishesTheChangesThatWereKept) {
  start();
  watch();
  lock_ = kLock;
  when_changed("c:2", {"a.py"});
  when(Lost{.why = "gone", .clock = "c:2"});
  EXPECT_EQ(told_, (bus::TreeState{.revision = 1,
                                   .clock = "c:2",
                                   .problem = "gone",
                                   .changed = {"a.py"},
                                   .changed_count = 1}));
}

// ---- the project folder is replaced -------------------------------------------------------------

class ReplacedFolderTest : public TreeTest {
 protected:
  void SetUp() override {
    start();
    watch();
    EXPECT_EQ(told_folder_, "folder 1");
  }

  void expect_lost(const std::string& problem) {
    EXPECT_EQ(state(), State::Backoff);
    EXPECT_EQ(all<Unwatch>().size(), 1U);
    EXPECT_FALSE(told_.watching);
    EXPECT_EQ(told_.problem, problem);
    EXPECT_EQ(said(Say::Level::Warning), Lines{"not watching: " + problem});
    EXPECT_NE(told_folder_, "")
        << "proxyd must know that there was a watch (proxyd/core/barrier.h)";
  }

  void expect_watch_again() {
    EXPECT_EQ(done().back(), Effect(Watch{.since = "", .is_replaced = true}));
    watch();
    EXPECT_TRUE(told_.watching);
    EXPECT_EQ(told_folder_, folder_);
  }

  const std::string kIsAnother = "/home/me/site was replaced by another directory";
  const std::string kIsMissing =
      "/home/me/site does not exist; hpp watches it again when it is back";
};

TEST_F(ReplacedFolderTest, ATicketNoticesItAndItCountsOnce) {
  folder_ = "folder 2";
  when_asked(1);
  EXPECT_EQ(all<Sync>(), std::vector<Sync>{}) << "the old directory must not be synced";
  expect_lost(kIsAnother);
  when(TimerExpired{});
  expect_watch_again();
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.answers, bus::Ticket{});
  EXPECT_EQ(done().back(), Effect(Sync{}));
  when(Synced{});
  EXPECT_EQ(told_.answers.number, 1U);
  EXPECT_EQ(told_.revision, 1U);
}

TEST_F(ReplacedFolderTest, IsNoticedWithoutATicket) {
  when(FolderStirred{});
  EXPECT_EQ(done(), Effects{}) << "nothing has changed";
  folder_ = "folder 2";
  when(FolderStirred{});
  expect_lost(kIsAnother);
}

TEST_F(ReplacedFolderTest, IsNoticedBeforeATicketIsAnswered) {
  when_asked(1);
  folder_ = "folder 2";
  when(Synced{});
  expect_lost(kIsAnother);
  EXPECT_EQ(told_.answers, bus::Ticket{});
}

TEST_F(ReplacedFolderTest, ItCountsOnceIfTheSourceLosesTheWatchFirst) {
  when_lost("Watchman has stopped watching");
  folder_ = "folder 2";
  when(TimerExpired{});
  when_lost("Watchman closed the connection");
  when(TimerExpired{});
  expect_watch_again();
  EXPECT_EQ(told_.revision, 1U);
  when_lost();
  when(TimerExpired{});
  EXPECT_EQ(done().back(), Effect(Watch{"c:1"})) << "the directory has not changed since";
}

TEST_F(ReplacedFolderTest, ItCountsOnceIfTheNewWatchIsLostBeforeItBegins) {
  folder_ = "folder 2";
  when(FolderStirred{});
  when(TimerExpired{});
  when(Began{.clock = "c:2", .files = {}});
  when(Lost{.why = "Watchman closed the connection", .clock = "c:2"});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_folder_, "folder 2");
  when(TimerExpired{});
  EXPECT_EQ(done().back(), Effect(Watch{.since = "c:2", .is_replaced = false}));
}

TEST_F(ReplacedFolderTest, AShortAbsenceIsPartOfTheReplacement) {
  folder_.clear();
  when(FolderStirred{});
  expect_lost(kIsMissing);
  wait(kAbsenceMax - milliseconds(1));
  when(TimerExpired{});
  EXPECT_EQ(all<Watch>(), std::vector<Watch>{});
  EXPECT_EQ(all<Unwatch>(), std::vector<Unwatch>{});
  EXPECT_EQ(told_.revision, 0U);
  folder_ = "folder 2";
  when(FolderStirred{});
  EXPECT_EQ(done().front(), Effect(StopTimer{})) << "without waiting for the timer";
  expect_watch_again();
  EXPECT_EQ(told_.revision, 1U);
}

TEST_F(ReplacedFolderTest, ALongAbsenceIsAChangeAndSoIsTheReturn) {
  folder_.clear();
  when(FolderStirred{});
  wait(kAbsenceMax);
  when(TimerExpired{});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.problem, kIsMissing);
  for (int i = 0; i < 3; ++i) when(TimerExpired{});
  EXPECT_EQ(told_.revision, 1U);
  folder_ = "folder 1";  // the directory was renamed, and is renamed back
  when(TimerExpired{});
  expect_watch_again();
  EXPECT_EQ(told_.revision, 2U);
}

TEST_F(TreeTest, AReplacementBetweenTwoWatchdsCounts) {
  start(bus::TreeState{.revision = 5, .clock = "c:1", .directory_id = "folder 0"});
  EXPECT_EQ(done(), (Effects{Watch{.since = "", .is_replaced = true}}));
  watch();
  EXPECT_EQ(told_.revision, 6U);
}

// ---- what git ignores ---------------------------------------------------------------------------

class Gitignore : public TreeTest {
 protected:
  Gitignore() { filter_.gitignore = true; }
};

TEST_F(Gitignore, IgnoredFilesDoNotCount) {
  start();
  watch();
  when_changed("c:2", {"ignored.log", "a.py"});
  EXPECT_EQ(all<AskGit>(), (std::vector<AskGit>{{{"ignored.log", "a.py"}}}));
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.changed, Lines{"a.py"});
  EXPECT_EQ(told_.changed_count, 1U);
  when_changed("c:3", {"ignored.log"});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.clock, "c:3");
}

TEST_F(Gitignore, DoesNotNameCreatedAndDeletedFiles) {
  start();
  watch();
  when(Changed{.clock = "c:2",
               .files = {{.name = "a.py"}, {.name = "4913", .exists = false, .is_new = true}},
               .lost_track = {}});
  EXPECT_EQ(all<AskGit>(), (std::vector<AskGit>{{{"a.py", "4913"}}}));
  EXPECT_EQ(told_.changed, Lines{"a.py"});
  EXPECT_EQ(told_.changed_count, 1U);
}

TEST_F(Gitignore, DoesNotApplyToCssAndReloadFiles) {
  start();
  watch();
  when_changed("c:2", {"ignored.css"});
  EXPECT_EQ(all<AskGit>().size(), 0U);
  EXPECT_EQ(told_.refresh.count, 1U);
}

TEST_F(Gitignore, IsAppliedBeforeATicketIsAnswered) {
  start();
  watch();
  when_asked(1);
  when_changed("c:2", {"a.py"});
  when(Synced{});
  EXPECT_EQ(told_.revision, 1U);
  EXPECT_EQ(told_.answers.number, 1U);
}

TEST_F(Gitignore, LogsAProblemOnce) {
  start();
  watch();
  git_problem_ = "git says: fatal: not a git repository";
  when_changed("c:2", {"a.py"});
  EXPECT_EQ(said(Say::Level::Warning),
            Lines{"--gitignore does not work: git says: fatal: not a git repository"});
  EXPECT_EQ(told_.revision, 1U);
  when_changed("c:3", {"a.py"});
  EXPECT_TRUE(said(Say::Level::Warning).empty());
}

}  // namespace
}  // namespace hpp::watchd
