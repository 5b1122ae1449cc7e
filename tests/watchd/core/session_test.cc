#include "watchd/core/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "watchd/core/bser.h"

namespace hpp::watchd {
namespace {

using Json = nlohmann::json;
using State = Session::State;
using std::chrono::milliseconds;

// ---- "when this happens, then that is done" -----------------------------------------------------

class SessionTest : public testing::Test {
 protected:
  void start(std::optional<bus::TreeState> resumed = {}) {
    session_.emplace(Session::Settings{
        .directory = "/home/me/site", .filter = filter_, .resumed = std::move(resumed)});
    when(Started{});
  }

  // Looks and asks git when it is told to, as the shell does.
  void when(const Event& event) {
    effects_ = session_->on(event, now_);
    for (std::size_t i = 0; i < effects_.size(); ++i) {
      if (auto* publish = std::get_if<Publish>(&effects_[i])) tree_ = without_folder(publish->tree);
      if (const auto* ask = std::get_if<AskGit>(&effects_[i])) {
        for (Effect& more : session_->on(answer_of_git(*ask), now_)) effects_.push_back(more);
      }
      if (std::holds_alternative<FollowLinks>(effects_[i])) {
        for (Effect& more : session_->on(LinksFollowed{links_}, now_)) effects_.push_back(more);
      }
      const auto* const look = std::get_if<Look>(&effects_[i]);
      if (look == nullptr) continue;
      for (Effect& more : session_->on(answer_to(*look), now_)) effects_.push_back(more);
    }
  }

  // `module` and `other` are the folders of repositories below the project folder.
  Looked answer_to(const Look& look) const {
    Looked looked{.folder = folder_, .root = root_, .locks = {}, .repositories = {}};
    if (lock_) looked.locks.push_back(*lock_);
    for (const auto& [repository, lock] : module_locks_) {
      const auto is_in_it = [&](const std::string& folder) {
        return (folder + '/').starts_with(repository + '/');
      };
      if (std::none_of(look.folders.begin(), look.folders.end(), is_in_it)) continue;
      looked.repositories.push_back(repository);
      if (lock) looked.locks.push_back(*lock);
    }
    return looked;
  }

  // Every snapshot has the project folder, which is not repeated in each test.
  const bus::TreeState& without_folder(bus::TreeState& tree) {
    EXPECT_EQ(tree.directory, "/home/me/site");
    tree.directory.clear();
    told_folder_ = std::exchange(tree.directory_id, {});
    return tree;
  }

  GitAsked answer_of_git(const AskGit& ask) const {
    GitAsked answer{.files = ask.files, .problem = git_problem_};
    std::erase_if(answer.files, [](const auto& file) { return file.starts_with("ignored"); });
    return answer;
  }

  void when_received(const Json& pdu) { when(PduArrived{bser::encode(pdu)}); }

  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    for (const Effect& effect : effects_) {
      if (const auto* one = std::get_if<E>(&effect)) found.push_back(*one);
    }
    return found;
  }

  // The effects beside the log, and beside the looks, which are answered already.
  Effects done() const {
    Effects result;
    for (const Effect& effect : effects_) {
      if (std::holds_alternative<Say>(effect)) continue;
      if (std::holds_alternative<Look>(effect)) continue;
      result.push_back(effect);
    }
    return result;
  }

  std::vector<std::string> said(Say::Level level) const {
    std::vector<std::string> lines;
    for (const Say& say : all<Say>()) {
      if (say.level == level) lines.push_back(say.text);
    }
    return lines;
  }

  bool is_flushing() const { return done() == (Effects{StartTimer{kAnswerTimeout}, kFlush}); }

  // ---- shortcuts to a state ----

  void resolve() {
    when(SocketFound{"/s"});
    when(Connected{});
    when_received(kProject);
  }

  void watch() {
    resolve();
    when_received(kNoLinks);
    when_received(kSubscribed);
  }

  void when_asked(std::uint64_t number, std::uint64_t epoch = 1) {
    when(TicketSeen{{.epoch = epoch, .number = number}});
  }

  static Json files(const char* clock, const std::vector<std::string>& names, bool fresh = false) {
    Json pdu = changes(clock, names, fresh);
    pdu.update({{"unilateral", true}, {"subscription", "hpp"}});
    return pdu;
  }

  static Json changes(const char* clock, const std::vector<std::string>& names,
                      bool fresh = false) {
    Json files = Json::array();
    for (const std::string& name : names) files.push_back({{"name", name}, {"oclock", clock}});
    return {{"clock", clock}, {"is_fresh_instance", fresh}, {"files", std::move(files)}};
  }

  const Filter kFilter{.patterns = {"*.py"}, .css = {"*.css"}, .reload = {"*.html"}};
  const Place kPlace{.root = "/home/me", .relative_path = "site"};
  const Json kProject{{"watch", "/home/me"}, {"relative_path", "site"}};
  const Json kClock{{"clock", "c:1"}};
  const Json kNoLinks{{"clock", "c:1"}, {"files", Json::array()}};
  const Json kSubscribed{{"subscribe", "hpp"}, {"clock", "c:1"}};
  const Effect kFlush = Send{flush_request(kPlace)};
  const Json kFlushed{
      {"synced", Json::array()}, {"no_sync_needed", {"hpp"}}, {"dropped", Json::array()}};
  const GitLock kLock{.path = "/home/me/.git/index.lock", .inode = 1, .modified_ns = 2};

  Filter filter_ = kFilter;
  std::string git_problem_;  // git ignores what begins with `ignored`
  std::optional<Session> session_;
  Effects effects_;              // of the last event
  bus::TreeState tree_;          // published last
  std::optional<GitLock> lock_;  // that lies there
  std::map<std::string, std::optional<GitLock>> module_locks_{{"module", {}}, {"other", {}}};
  std::vector<OutsideLink> links_;  // that lead out of the project folder
  std::string folder_ = "folder 1";
  std::string root_ = "root 1";
  std::string told_folder_;  // the directory_id that was published last
  std::chrono::steady_clock::time_point now_{};
};

// ---- the way to Watching ------------------------------------------------------------------------

TEST_F(SessionTest, FirstStartIsNoChange) {
  start();
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout}, FindSocket{}}));
  when(SocketFound{"/tmp/sock"});
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout}, Connect{"/tmp/sock"}}));
  when(Connected{});
  EXPECT_EQ(done(),
            (Effects{StartTimer{kAnswerTimeout}, Send{watch_project_request("/home/me/site")}}));
  when_received(kProject);
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout},
                             Send{links_request(kPlace, kFilter, Sync::Full)}}));
  when_received(kNoLinks);
  EXPECT_EQ(done(),
            (Effects{StartTimer{kAnswerTimeout}, Send{subscribe_request(kPlace, "c:1", kFilter)}}));
  when_received(kSubscribed);
  EXPECT_EQ(done(), (Effects{StopTimer{}, Publish{{.clock = "c:1", .watching = true}}}));
  EXPECT_EQ(said(Say::Level::Info), std::vector<std::string>{"watching /home/me/site"});
  EXPECT_EQ(session_->state(), State::Watching);
}

TEST_F(SessionTest, ResumedWithoutAChangeCountsNothing) {
  start(bus::TreeState{.stamp = {.epoch = 9, .sequence = 4},
                       .revision = 7,
                       .clock = "c:old",
                       .watching = true,
                       .changed = {"a.py"},
                       .changed_count = 1});
  resolve();
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout},
                             Send{changes_request(kPlace, "c:old", kFilter, Sync::Full)}}));
  when_received(changes("c:2", {}));
  when_received(kSubscribed);
  EXPECT_EQ(done(), (Effects{StopTimer{}, Publish{{.revision = 7,
                                                   .clock = "c:2",
                                                   .watching = true,
                                                   .changed = {"a.py"},
                                                   .changed_count = 1}}}));
}

TEST_F(SessionTest, ResumedCountsWhatChangedMeanwhile) {
  start(bus::TreeState{.revision = 7, .clock = "c:old"});
  resolve();
  when_received(changes("c:2", {"x.py", "y.py"}));
  EXPECT_EQ(done().back(), Effect(Send{subscribe_request(kPlace, "c:2", kFilter)}));
  when_received(kSubscribed);
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 8,
                                   .clock = "c:2",
                                   .watching = true,
                                   .changed = {"x.py", "y.py"},
                                   .changed_count = 2}));
}

TEST_F(SessionTest, ResumedAtAnotherWatchmanCountsOneChangeWithoutNames) {
  start(bus::TreeState{.revision = 7, .clock = "c:old", .changed = {"a"}, .changed_count = 1});
  resolve();
  when_received(changes("c:2", {}, /*fresh=*/true));
  when_received(kSubscribed);
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 8, .clock = "c:2", .watching = true}));
}

TEST_F(SessionTest, ResumedFromAWatcherThatNeverHadAClockCountsOneChange) {
  start(bus::TreeState{.problem = "Watchman was away"});
  resolve();
  when_received(kClock);
  when_received(kSubscribed);
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 1, .clock = "c:1", .watching = true}));
}

TEST_F(SessionTest, RootItselfIsWatchedWithoutARelativePath) {
  start();
  when(SocketFound{"/s"});
  when(Connected{});
  when_received({{"watch", "/home/me/site"}});
  EXPECT_EQ(done().back(),
            Effect(Send{links_request({.root = "/home/me/site"}, kFilter, Sync::Full)}));
}

// ---- symbolic links -----------------------------------------------------------------------------

TEST_F(SessionTest, LinksThatLeadOutsideAreNamedOnce) {
  links_ = {{.name = "lib.py", .target = "/home/me/lib.py"}};
  start();
  resolve();
  when_received(changes("c:1", {"lib.py", "inside.py"}));
  EXPECT_EQ(all<FollowLinks>(), (std::vector<FollowLinks>{{{"lib.py", "inside.py"}}}));
  EXPECT_EQ(said(Say::Level::Warning), std::vector<std::string>{outside_warning(links_)});
  EXPECT_EQ(done().back(), Effect(Send{subscribe_request(kPlace, "c:1", kFilter)}));
  when_received(kSubscribed);
  EXPECT_EQ(tree_, (bus::TreeState{.clock = "c:1", .watching = true}));
  when(Disconnected{"gone"});
  when(TimerExpired{});
  resolve();
  EXPECT_EQ(done().back(), Effect(Send{changes_request(kPlace, "c:1", kFilter, Sync::Full)}));
}

TEST_F(SessionTest, LinksThatAreOfNoInterestAreNotNamed) {
  links_ = {{.name = "lib.txt", .target = "/home/me/lib.txt"}};
  start();
  resolve();
  when_received(changes("c:1", {"lib.txt"}));
  EXPECT_EQ(said(Say::Level::Warning), std::vector<std::string>{});
}

TEST_F(SessionTest, AWatchmanThatListsNoLinksIsAskedForItsClock) {
  start();
  resolve();
  when_received({{"error", "no"}});
  EXPECT_EQ(done().back(), Effect(Send{links_request(kPlace, kFilter, Sync::None)}));
  when_received({{"error", "no"}});
  EXPECT_EQ(done().back(), Effect(Send{clock_request(kPlace, Sync::Full)}));
  when_received(kClock);
  when_received(kSubscribed);
  EXPECT_EQ(tree_, (bus::TreeState{.clock = "c:1", .watching = true}));
}

TEST_F(SessionTest, AListOfLinksThatCannotBeReadIsNotAskedForAgain) {
  start();
  resolve();
  when(Disconnected{"Watchman sent 67108865 bytes at once"});
  when(TimerExpired{});
  resolve();
  EXPECT_EQ(done().back(), Effect(Send{clock_request(kPlace, Sync::Full)}));
  when_received(kClock);
  when_received(kSubscribed);
  EXPECT_TRUE(tree_.watching);
}

TEST_F(SessionTest, AWatchdThatWasStartedAgainSaysNothingOfLinks) {
  links_ = {{.name = "lib.py", .target = "/home/me/lib.py"}};
  start(bus::TreeState{.revision = 1});
  resolve();
  EXPECT_EQ(done().back(), Effect(Send{clock_request(kPlace, Sync::Full)}));
}

// ---- changes ------------------------------------------------------------------------------------

TEST_F(SessionTest, EachBatchIsOneRevision) {
  start();
  watch();
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(done(), (Effects{Publish{{.revision = 1,
                                      .clock = "c:2",
                                      .watching = true,
                                      .changed = {"a.py"},
                                      .changed_count = 1}}}));
  EXPECT_EQ(said(Say::Level::Debug), std::vector<std::string>{"a.py changed"});
  when_received(files("c:3", {"b.py", "c.py", "d.py"}));
  EXPECT_EQ(tree_.revision, 2u);
  EXPECT_EQ(tree_.changed, (std::vector<std::string>{"b.py", "c.py", "d.py"}));
  EXPECT_EQ(said(Say::Level::Debug), std::vector<std::string>{"b.py and 2 more changed"});
}

TEST_F(SessionTest, WhatConcernsBrowsersAloneIsNoRevision) {
  start();
  watch();
  when_received(files("c:2", {"a.css"}));
  EXPECT_EQ(done(),
            (Effects{Publish{{.clock = "c:2",
                              .watching = true,
                              .refresh = {.count = 1, .css = {"a.css"}, .css_count = 1}}}}));
  EXPECT_EQ(said(Say::Level::Debug), std::vector<std::string>{"a.css changed"});
  when_received(files("c:3", {"a.html", "b.css"}));
  EXPECT_EQ(
      tree_.refresh,
      (bus::Refresh{
          .count = 2, .css = {"b.css"}, .css_count = 1, .reload = {"a.html"}, .reload_count = 1}));
  EXPECT_EQ(tree_.revision, 0u);
  EXPECT_TRUE(tree_.changed.empty());
}

TEST_F(SessionTest, ABatchWithBothKindsCountsInBoth) {
  start();
  watch();
  when_received(files("c:2", {"a.css", "a.py", "b.css"}));
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.changed, std::vector<std::string>{"a.py"});
  EXPECT_EQ(tree_.changed_count, 1u);
  EXPECT_EQ(tree_.refresh, (bus::Refresh{.count = 1, .css = {"a.css", "b.css"}, .css_count = 2}));
  when_received(files("c:3", {"b.py"}));
  EXPECT_EQ(tree_.revision, 2u);
  EXPECT_EQ(tree_.refresh.count, 1u);
  EXPECT_EQ(tree_.refresh.css_count, 2u);
}

TEST_F(SessionTest, ManyStyleSheetsAreCountedWholeAndNamedInPart) {
  start();
  watch();
  std::vector<std::string> names;
  for (int i = 0; i < 30; ++i) names.push_back(std::to_string(i) + ".css");
  when_received(files("c:2", names));
  EXPECT_EQ(tree_.refresh.css.size(), bus::kChangedPathsMax);
  EXPECT_EQ(tree_.refresh.css_count, 30u);
}

TEST_F(SessionTest, ResumedCountsOnForBrowsersToo) {
  start(bus::TreeState{.revision = 7, .clock = "c:old", .refresh = {.count = 4}});
  resolve();
  when_received(changes("c:2", {"a.html"}));
  when_received(kSubscribed);
  EXPECT_EQ(tree_.revision, 7u);
  EXPECT_EQ(tree_.refresh, (bus::Refresh{.count = 5, .reload = {"a.html"}, .reload_count = 1}));
}

TEST_F(SessionTest, AnEmptyBatchMovesTheClockAlone) {
  start();
  watch();
  when_received(files("c:2", {"a.py"}));
  when_received(files("c:3", {}));
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.clock, "c:3");
  EXPECT_EQ(tree_.changed, std::vector<std::string>{"a.py"});
}

TEST_F(SessionTest, ALargeBatchIsCountedWholeAndNamedInPart) {
  start();
  watch();
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) names.push_back("f" + std::to_string(i));
  when_received(files("c:2", names));
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.changed_count, 5000u);
  EXPECT_EQ(tree_.changed.size(), bus::kChangedPathsMax);
  EXPECT_EQ(tree_.changed.back(), "f19");
}

TEST_F(SessionTest, AFreshInstanceWhileWatchingIsOneChangeWithoutNames) {
  start();
  watch();
  when_received(files("c:2", {"a.py"}));
  when_received(files("c:9", {"a.py", "b.py"}, /*fresh=*/true));
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 2, .clock = "c:9", .watching = true}));
  EXPECT_EQ(said(Say::Level::Info).size(), 1u);
}

TEST_F(SessionTest, AChangeBeforeTheAnswerToSubscribeCounts) {
  start();
  resolve();
  when_received(kNoLinks);
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{});
  when_received(kSubscribed);
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.clock, "c:2") << "the clock never goes back";
  EXPECT_TRUE(tree_.watching);
}

TEST_F(SessionTest, NamesAreNoWayToForgeTheLog) {
  start();
  watch();
  when_received(files("c:2", {"a\nhpp-watchd: all is well\x1b[2J"}));
  EXPECT_EQ(said(Say::Level::Debug),
            std::vector<std::string>{"a?hpp-watchd: all is well?[2J changed"});
  EXPECT_EQ(tree_.changed, std::vector<std::string>{"a\nhpp-watchd: all is well\x1b[2J"});
}

// Watchman has read its clock before the file changed, and tells of it again.
TEST_F(SessionTest, WhatIsToldTwiceCountsOnce) {
  start();
  watch();
  Json early = files("c:3", {"a.py"});
  early["clock"] = "c:2";
  when_received(early);
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.clock, "c:3") << "else a successor would be told twice";
  when_received(files("c:3", {"a.py"}));
  EXPECT_EQ(tree_.revision, 1u);
  when_received(files("c:4", {"a.py"}));
  EXPECT_EQ(tree_.revision, 2u);
}

TEST_F(SessionTest, WhatIsToldTwiceAmongOthersIsNotNamed) {
  start();
  watch();
  when_received(files("c:3", {"a.py", "a.css"}));
  Json mixed = files("c:4", {"b.py"});
  for (const char* old : {"a.py", "a.css"}) {
    mixed["files"].push_back({{"name", old}, {"oclock", "c:3"}});
  }
  when_received(mixed);
  EXPECT_EQ(tree_.changed, std::vector<std::string>{"b.py"});
  EXPECT_EQ(tree_.revision, 2u);
  EXPECT_EQ(tree_.refresh.count, 1u);
}

TEST_F(SessionTest, FilesThatExistAreNamedFirst) {
  start();
  watch();
  Json pdu = files("c:2", {});
  pdu["files"] = {{{"name", "sedeszpX3"}, {"exists", false}, {"new", true}},
                  {{"name", "old.py"}, {"exists", false}, {"new", false}},
                  {{"name", "app.py"}, {"exists", true}, {"new", false}},
                  {{"name", "new.py"}, {"exists", true}, {"new", true}}};
  when_received(pdu);
  EXPECT_EQ(tree_.revision, 1U);
  EXPECT_EQ(tree_.changed, (std::vector<std::string>{"app.py", "new.py", "old.py"}));
  EXPECT_EQ(tree_.changed_count, 3U) << "without what was made and is gone again";
}

TEST_F(SessionTest, FilesThatAreGoneAgainCountWithoutAName) {
  start();
  watch();
  Json pdu = files("c:2", {});
  pdu["files"] = {{{"name", "4913"}, {"exists", false}, {"new", true}},
                  {{"name", "sedeszpX3"}, {"exists", false}, {"new", true}}};
  when_received(pdu);
  EXPECT_EQ(tree_.revision, 1U) << "a backend that was starting may have read them";
  EXPECT_EQ(tree_.changed, std::vector<std::string>{});
  EXPECT_EQ(tree_.changed_count, 2U);
  when_received(files("c:3", {"4913"}));
  EXPECT_EQ(tree_.changed, std::vector<std::string>{"4913"}) << "now it is there";
}

TEST_F(SessionTest, StatesAndLogLinesAreNothing) {
  start();
  watch();
  when_received({{"unilateral", true}, {"subscription", "hpp"}, {"state-enter", "x"}});
  EXPECT_EQ(effects_, Effects{});
  when_received({{"unilateral", true}, {"log", "crawl complete"}});
  EXPECT_EQ(effects_, Effects{});
}

TEST_F(SessionTest, AWarningIsToldOnce) {
  start();
  watch();
  Json pdu = files("c:2", {"a"});
  pdu["warning"] = "too many\nwatches";
  when_received(pdu);
  EXPECT_EQ(said(Say::Level::Warning),
            std::vector<std::string>{"Watchman warns: too many watches"});
  when_received(pdu);
  EXPECT_EQ(said(Say::Level::Warning), std::vector<std::string>{});
}

// ---- tickets ------------------------------------------------------------------------------------

TEST_F(SessionTest, ATicketIsAnsweredByAFlush) {
  start();
  watch();
  when_asked(1);
  EXPECT_TRUE(is_flushing());
  EXPECT_EQ(all<Look>(), std::vector<Look>{Look{"/home/me"}});
  when_received(kFlushed);
  EXPECT_EQ(
      done(),
      (Effects{StopTimer{},
               Publish{{.clock = "c:1", .watching = true, .answers = {.epoch = 1, .number = 1}}}}));
  when_asked(1);
  EXPECT_EQ(effects_, Effects{}) << "it is repeated on the bus";
}

TEST_F(SessionTest, WhatTheFlushTellsIsThereWithTheAnswer) {
  start();
  watch();
  when_asked(1);
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(tree_.revision, 1u) << "at once: the backend is killed the sooner";
  EXPECT_EQ(tree_.answers, bus::Ticket{});
  when_received(kFlushed);
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.answers, (bus::Ticket{.epoch = 1, .number = 1}));
}

TEST_F(SessionTest, AFlushCoversWhatWasAskedWhenItWasSent) {
  start();
  watch();
  when_asked(3);
  when_asked(4);
  when_asked(6);
  EXPECT_EQ(effects_, Effects{}) << "one flush at a time";
  when_received(kFlushed);
  EXPECT_EQ(tree_.answers, (bus::Ticket{.epoch = 1, .number = 3}));
  EXPECT_EQ(done().back(), kFlush);
  when_received(kFlushed);
  EXPECT_EQ(tree_.answers, (bus::Ticket{.epoch = 1, .number = 6}));
  EXPECT_EQ(all<Send>(), std::vector<Send>{});
}

TEST_F(SessionTest, ARestartedProxydAsksAnew) {
  start();
  watch();
  when_asked(90);
  when_asked(1, /*epoch=*/2);
  when_received(kFlushed);
  EXPECT_EQ(done().back(), kFlush);
  when_received(kFlushed);
  EXPECT_EQ(tree_.answers, (bus::Ticket{.epoch = 2, .number = 1}));
}

TEST_F(SessionTest, NoTicketIsNoQuestion) {
  start();
  watch();
  when(TicketSeen{});
  EXPECT_EQ(effects_, Effects{});
}

TEST_F(SessionTest, ATicketWaitsUntilFilesAreWatched) {
  start();
  when_asked(1);
  EXPECT_EQ(effects_, Effects{});
  watch();
  EXPECT_EQ(done(), (Effects{StopTimer{}, Publish{{.clock = "c:1", .watching = true}},
                             StartTimer{kAnswerTimeout}, kFlush}));
  when_asked(2);
  when(Disconnected{"gone"});
  EXPECT_FALSE(tree_.watching);
  EXPECT_EQ(tree_.answers, bus::Ticket{});
  when(TimerExpired{});
  resolve();
  when_received(changes("c:2", {}));
  when_received(kSubscribed);
  EXPECT_EQ(done().back(), kFlush);
  when_received(kFlushed);
  EXPECT_EQ(tree_.answers, (bus::Ticket{.epoch = 1, .number = 2}));
}

TEST_F(SessionTest, AResumedWatcherHasAnsweredNothing) {
  start(bus::TreeState{.revision = 7,
                       .clock = "c:old",
                       .watching = true,
                       .answers = {.epoch = 1, .number = 5},
                       .settling = true});
  when_asked(5);
  resolve();
  when_received(changes("c:2", {}));
  when_received(kSubscribed);
  EXPECT_EQ(all<Publish>().front(), (Publish{{.revision = 7, .clock = "c:2", .watching = true}}));
  EXPECT_EQ(done().back(), kFlush);
}

TEST_F(SessionTest, ARefusedFlushIsRepeatedAndSaidOnce) {
  start();
  watch();
  when_asked(1);
  for (int i = 1; i <= 20; ++i) {
    when_received({{"error", "sync_timeout expired"}});
    EXPECT_EQ(done(), Effects{StartTimer{std::min(i * kFlushPauseMin, kFlushPauseMax)}});
    EXPECT_EQ(said(Say::Level::Warning).size(), i == kFlushPatience ? 1u : 0u);
    when_asked(static_cast<std::uint64_t>(i));
    EXPECT_EQ(effects_, Effects{});
    when(TimerExpired{});
    EXPECT_TRUE(is_flushing());
  }
  EXPECT_EQ(session_->state(), State::Watching);
  EXPECT_EQ(tree_, (bus::TreeState{.clock = "c:1", .watching = true})) << "and no lie told";
  when_received(kFlushed);
  EXPECT_EQ(tree_.answers, (bus::Ticket{.epoch = 1, .number = 20}));
  when_asked(21);
  when_received({{"error", "sync_timeout expired"}});
  EXPECT_EQ(done(), Effects{StartTimer{kFlushPauseMin}}) << "short again";
}

TEST_F(SessionTest, AChangeDuringAPauseIsToldAtOnce) {
  start();
  watch();
  when_asked(1);
  when_received({{"error", "sync_timeout expired"}});
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(all<Publish>().size(), 1u);
  EXPECT_EQ(all<StopTimer>().size(), 0u);
  EXPECT_EQ(tree_.revision, 1u);
  when(TimerExpired{});
  EXPECT_TRUE(is_flushing());
}

TEST_F(SessionTest, AWatchmanThatCannotFlushIsNotAsked) {
  const Json unknown{{"error", "unknown command flush-subscriptions"}};
  start();
  watch();
  when_asked(1);
  when_received(unknown);
  EXPECT_EQ(done(), Effects{StopTimer{}});
  EXPECT_EQ(said(Say::Level::Warning),
            std::vector<std::string>{
                "a request may meet old code for a moment after a save: this Watchman does not "
                "know flush-subscriptions, which came with 4.8"});
  when_asked(2);
  EXPECT_EQ(effects_, Effects{});
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 1,
                                   .clock = "c:2",
                                   .watching = true,
                                   .changed = {"a.py"},
                                   .changed_count = 1}));
  // The next one may be newer.
  when(Disconnected{"gone"});
  when(TimerExpired{});
  resolve();
  when_received(changes("c:3", {}));
  when_received(kSubscribed);
  EXPECT_EQ(done().back(), kFlush);
  when_received(unknown);
  EXPECT_EQ(said(Say::Level::Warning), std::vector<std::string>{});
}

TEST_F(SessionTest, AStoppedWatchmanIsGivenUp) {
  start();
  watch();
  when_asked(1);
  when(TimerExpired{});
  EXPECT_EQ(tree_.problem, "Watchman does not answer");
  EXPECT_EQ(session_->state(), State::Backoff);
}

TEST_F(SessionTest, WhatIsDroppedIsAskedForAnew) {
  start();
  watch();
  when_asked(1);
  when_received({{"synced", Json::array()}, {"dropped", {"hpp"}}});
  EXPECT_EQ(tree_.problem,
            "Watchman sent something unexpected: word of changes that it keeps to itself");
  EXPECT_EQ(tree_.answers, bus::Ticket{});
  when(TimerExpired{});
  resolve();
  EXPECT_EQ(done().back(), Effect(Send{changes_request(kPlace, "c:1", kFilter, Sync::Full)}));
}

TEST_F(SessionTest, AnAnswerToNoFlushIsOdd) {
  start();
  watch();
  when_received(kFlushed);
  EXPECT_EQ(tree_.problem, "Watchman sent something unexpected: an answer to flush-subscriptions");
}

// ---- git's lock ---------------------------------------------------------------------------------

TEST_F(SessionTest, WhileGitWritesTicketsWait) {
  start();
  watch();
  lock_ = kLock;
  when_asked(1);
  EXPECT_EQ(done(), (Effects{Publish{{.clock = "c:1", .watching = true, .settling = true}},
                             StartTimer{kLockLookPause}}));
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{StartTimer{kLockLookPause}}) << "settling is told once";
  when_asked(2);
  EXPECT_EQ(effects_, Effects{});
  lock_.reset();
  when(TimerExpired{});
  EXPECT_EQ(done(), (Effects{StopTimer{}, StartTimer{kAnswerTimeout}, kFlush}));
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{}) << "one checkout is one restart";
  when_received(kFlushed);
  const Publish once{{.revision = 1,
                      .clock = "c:2",
                      .watching = true,
                      .changed = {"a.py"},
                      .changed_count = 1,
                      .answers = {.epoch = 1, .number = 2}}};
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{once});
}

TEST_F(SessionTest, WhileGitWritesNoChangeIsTold) {
  start();
  watch();
  lock_ = kLock;
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(tree_, (bus::TreeState{.clock = "c:1", .watching = true, .settling = true}));
  when_received(files("c:3", {"b.py"}));
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{});
  lock_.reset();
  when(TimerExpired{});
  EXPECT_EQ(done().back(), kFlush) << "for the rest";
  when_received(files("c:4", {"c.py"}));
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{});
  when_received(kFlushed);
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 3,
                                   .clock = "c:4",
                                   .watching = true,
                                   .changed = {"c.py"},
                                   .changed_count = 1}));
}

TEST_F(SessionTest, WhileGitWritesInASubmoduleNoChangeIsTold) {
  start();
  watch();
  module_locks_["module"] = GitLock{.path = "/home/me/.git/modules/module/index.lock"};
  when_asked(1);
  EXPECT_TRUE(is_flushing()) << "nothing of the submodule has been told";
  when_received(files("c:2", {"module/src/a.py"}));
  EXPECT_EQ(tree_, (bus::TreeState{.clock = "c:1", .watching = true, .settling = true}));
  when_received(kFlushed);
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{StartTimer{kLockLookPause}}) << "the submodule is still looked at";
  module_locks_["module"].reset();
  when(TimerExpired{});
  when_received(files("c:3", {"module/src/b.py"}));
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{});
  when_received(kFlushed);
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 2,
                                   .clock = "c:3",
                                   .watching = true,
                                   .changed = {"module/src/b.py"},
                                   .changed_count = 1,
                                   .answers = {.epoch = 1, .number = 1}}));
}

TEST_F(SessionTest, ALockInASubmoduleDoesNotHoldChangesElsewhere) {
  start();
  watch();
  module_locks_["module"] = GitLock{.path = "/home/me/.git/modules/module/index.lock"};
  when_received(files("c:2", {"a.py", "other/b.py"}));
  EXPECT_EQ(tree_.revision, 1U);
  EXPECT_FALSE(tree_.settling);
}

TEST_F(SessionTest, FoldersAreLookedAtUntilTheirFilesArePublished) {
  start();
  watch();
  when_received(files("c:2", {"src/a.py", "b.py", "module/deep/c.py"}));
  EXPECT_EQ(all<Look>(),
            (std::vector<Look>{{.root = "/home/me", .folders = {"module/deep", "src"}}}));
  when_received(files("c:3", {"d.py"}));
  EXPECT_EQ(all<Look>(), (std::vector<Look>{{.root = "/home/me", .folders = {}}}));
}

TEST_F(SessionTest, GitThatBeginsDuringAFlushSpoilsIt) {
  start();
  watch();
  when_asked(1);
  lock_ = kLock;
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(tree_, (bus::TreeState{.clock = "c:1", .watching = true, .settling = true}));
  lock_.reset();
  when_received(kFlushed);
  EXPECT_EQ(all<Publish>(), std::vector<Publish>{}) << "it may have told of a half";
  EXPECT_EQ(done().back(), kFlush);
  when_received(kFlushed);
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.answers, (bus::Ticket{.epoch = 1, .number = 1}));
  EXPECT_FALSE(tree_.settling);
}

TEST_F(SessionTest, GitThatBeginsBeforeTheAnswerSpoilsIt) {
  start();
  watch();
  when_asked(1);
  lock_ = kLock;
  when_received(kFlushed);
  EXPECT_EQ(done(),
            (Effects{StopTimer{}, Publish{{.clock = "c:1", .watching = true, .settling = true}},
                     StartTimer{kLockLookPause}}));
  lock_.reset();
  when(TimerExpired{});
  EXPECT_EQ(done().back(), kFlush);
}

TEST_F(SessionTest, ALockLeftBehindIsNotRespectedForEver) {
  start();
  watch();
  lock_ = kLock;
  when_asked(1);
  now_ += kLockPatience - milliseconds(1);
  when(TimerExpired{});
  EXPECT_EQ(done(), Effects{StartTimer{kLockLookPause}});
  now_ += milliseconds(1);
  when(TimerExpired{});
  EXPECT_EQ(said(Say::Level::Warning),
            std::vector<std::string>{"git has not finished for 10 s, or has crashed: going on in "
                                     "spite of /home/me/.git/index.lock"});
  EXPECT_EQ(done().back(), kFlush);
  when_received(kFlushed);
  EXPECT_EQ(tree_.answers, (bus::Ticket{.epoch = 1, .number = 1}));
  EXPECT_FALSE(tree_.settling);
  when_asked(2);
  EXPECT_TRUE(is_flushing());
  EXPECT_EQ(said(Say::Level::Warning), std::vector<std::string>{});
  lock_->modified_ns += 1;
  when_received(kFlushed);
  EXPECT_TRUE(tree_.settling) << "the next lock is";
}

TEST_F(SessionTest, WhatGitWroteIsToldWithoutAFlushIfNoneIsToBeHad) {
  start();
  watch();
  lock_ = kLock;
  when_received(files("c:2", {"a.py"}));
  lock_.reset();
  when(TimerExpired{});
  when_received({{"error", "sync_timeout expired"}});
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_FALSE(tree_.settling);
  when(TimerExpired{});
  EXPECT_EQ(effects_, Effects{}) << "nobody asks";

  lock_ = kLock;
  when_received(files("c:3", {"b.py"}));
  lock_.reset();
  when(TimerExpired{});
  when_received({{"error", "unknown command flush-subscriptions"}});
  EXPECT_EQ(tree_.revision, 2u);
  lock_ = kLock;
  when_received(files("c:4", {"c.py"}));
  EXPECT_EQ(tree_.revision, 2u);
  lock_.reset();
  when(TimerExpired{});
  EXPECT_EQ(all<Send>(), std::vector<Send>{});
  EXPECT_EQ(tree_.revision, 3u);
  EXPECT_FALSE(tree_.settling);
}

TEST_F(SessionTest, ALostWatchTellsWhatWasKept) {
  start();
  watch();
  lock_ = kLock;
  when_received(files("c:2", {"a.py"}));
  when(Disconnected{"gone"});
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 1,
                                   .clock = "c:2",
                                   .problem = "gone",
                                   .changed = {"a.py"},
                                   .changed_count = 1}));
}

// ---- the project folder is replaced -------------------------------------------------------------

class ReplacedFolderTest : public SessionTest {
 protected:
  void SetUp() override {
    start();
    watch();
    EXPECT_EQ(told_folder_, "folder 1");
  }

  void expect_lost(const std::string& problem) {
    EXPECT_EQ(session_->state(), State::Backoff);
    EXPECT_FALSE(tree_.watching);
    EXPECT_EQ(tree_.problem, problem);
    EXPECT_EQ(said(Say::Level::Warning), std::vector<std::string>{"not watching: " + problem});
  }

  // Without a clock of the old directory.
  void watch_again() {
    EXPECT_EQ(done().back(), Effect(Send{clock_request(kPlace, Sync::Full)}));
    when_received({{"clock", "c:9"}});
    when_received({{"subscribe", "hpp"}, {"clock", "c:9"}});
    EXPECT_TRUE(tree_.watching);
    EXPECT_EQ(told_folder_, folder_);
  }

  const Effect kWatchProject = Send{watch_project_request("/home/me/site")};
  const Effect kWatchDel = Send{watch_del_request("/home/me")};
  const std::string kIsAnother = "/home/me/site is another directory now";
  const std::string kIsMissing = "/home/me/site does not exist; hpp goes on when it is back";
};

TEST_F(ReplacedFolderTest, IsNoticedWithATicketAndCountsOnce) {
  folder_ = "folder 2";
  when_asked(1);
  EXPECT_EQ(all<Send>(), std::vector<Send>{}) << "no flush of the old directory";
  expect_lost(kIsAnother);
  when(TimerExpired{});
  resolve();
  watch_again();
  EXPECT_EQ(tree_.revision, 1U);
  EXPECT_EQ(tree_.answers, bus::Ticket{});
  EXPECT_EQ(done().back(), kFlush);
  when_received(kFlushed);
  EXPECT_EQ(tree_.answers.number, 1U);
  EXPECT_EQ(tree_.revision, 1U);
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
  EXPECT_TRUE(is_flushing());
  folder_ = "folder 2";
  when_received(kFlushed);
  expect_lost(kIsAnother);
  EXPECT_EQ(tree_.answers, bus::Ticket{});
}

TEST_F(ReplacedFolderTest, WatchmanForgetsARootThatWasReplaced) {
  folder_ = "folder 2";
  root_ = "root 2";
  when(FolderStirred{});
  when(TimerExpired{});
  resolve();
  EXPECT_EQ(session_->state(), State::Forgetting);
  EXPECT_EQ(done().back(), kWatchDel);
  when_received({{"watch-del", true}, {"root", "/home/me"}});
  EXPECT_EQ(done().back(), kWatchProject);
  when_received(kProject);
  watch_again();
  EXPECT_EQ(tree_.revision, 1U);
}

TEST_F(ReplacedFolderTest, ARootThatWatchmanHasForgottenItselfIsNoTrouble) {
  folder_ = "folder 2";
  root_ = "root 2";
  when(FolderStirred{});
  when(TimerExpired{});
  resolve();
  when_received({{"error", "unable to resolve root"}});
  EXPECT_EQ(done().back(), kWatchProject);
  when_received(kProject);
  watch_again();
}

TEST_F(ReplacedFolderTest, WatchmanMayHaveCanceledBefore) {
  when_received({{"unilateral", true}, {"subscription", "hpp"}, {"canceled", true}});
  folder_ = "folder 2";
  when(TimerExpired{});
  resolve();
  watch_again();
  EXPECT_EQ(tree_.revision, 1U);
}

TEST_F(ReplacedFolderTest, AShortAbsenceIsPartOfTheReplacement) {
  folder_.clear();
  when(FolderStirred{});
  expect_lost(kIsMissing);
  now_ += kAbsenceMax - milliseconds(1);
  when(TimerExpired{});
  EXPECT_EQ(all<FindSocket>(), std::vector<FindSocket>{});
  EXPECT_EQ(tree_.revision, 0U);
  folder_ = "folder 2";
  when(FolderStirred{});
  EXPECT_EQ(done().back(), Effect(FindSocket{})) << "without waiting for the timer";
  resolve();
  watch_again();
  EXPECT_EQ(tree_.revision, 1U);
}

TEST_F(ReplacedFolderTest, ALongAbsenceIsAChangeAndSoIsTheReturn) {
  folder_.clear();
  when(FolderStirred{});
  now_ += kAbsenceMax;
  when(TimerExpired{});
  EXPECT_EQ(tree_.revision, 1U);
  EXPECT_EQ(tree_.problem, kIsMissing);
  for (int i = 0; i < 3; ++i) when(TimerExpired{});
  EXPECT_EQ(tree_.revision, 1U);
  folder_ = "folder 1";  // it was renamed, and is renamed back
  when(TimerExpired{});
  resolve();
  watch_again();
  EXPECT_EQ(tree_.revision, 2U);
}

TEST_F(SessionTest, AFolderThatWasReplacedBetweenTwoWatchdsCounts) {
  start(bus::TreeState{.revision = 5, .clock = "c:1", .directory_id = "folder 0"});
  when(SocketFound{"/s"});
  when(Connected{});
  when_received({{"watch", "/home/me/site"}});
  EXPECT_EQ(done().back(), Effect(Send{watch_del_request("/home/me/site")}));
  when_received({{"watch-del", true}});
  when_received({{"watch", "/home/me/site"}});
  when_received(kClock);
  when_received(kSubscribed);
  EXPECT_EQ(tree_.revision, 6U);
}

// ---- trouble ------------------------------------------------------------------------------------

TEST_F(SessionTest, AWatchmanThatIsGoneIsFoundAgain) {
  start();
  watch();
  when_received(files("c:2", {"a.py"}));
  when(Disconnected{"Watchman closed the connection"});
  EXPECT_EQ(done(), (Effects{Disconnect{},
                             Publish{{.revision = 1,
                                      .clock = "c:2",
                                      .watching = false,
                                      .problem = "Watchman closed the connection",
                                      .changed = {"a.py"},
                                      .changed_count = 1}},
                             StartTimer{kRetryDelayMin}}));
  EXPECT_EQ(said(Say::Level::Warning),
            std::vector<std::string>{"not watching: Watchman closed the connection"});
  now_ += milliseconds(120);
  when(TimerExpired{});
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout}, FindSocket{}}));
  resolve();
  EXPECT_EQ(done().back(), Effect(Send{changes_request(kPlace, "c:2", kFilter, Sync::Full)}));
  when_received(changes("c:2", {}));
  when_received(kSubscribed);
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 1,
                                   .clock = "c:2",
                                   .watching = true,
                                   .changed = {"a.py"},
                                   .changed_count = 1}));
  EXPECT_EQ(said(Say::Level::Info),
            std::vector<std::string>{"watching /home/me/site again after 120 ms"});
}

TEST_F(SessionTest, RetriesForEverAndSaysSoOnce) {
  start();
  milliseconds expected = kRetryDelayMin;
  for (int attempt = 0; attempt < 20; ++attempt) {
    when(SocketNotFound{"no such command"});
    EXPECT_EQ(done().back(), Effect(StartTimer{expected}));
    EXPECT_EQ(said(Say::Level::Warning).size(), attempt == 0 ? 1u : 0u);
    EXPECT_EQ(tree_.problem, "no such command");
    expected = std::min(expected * 2, kRetryDelayMax);
    when(TimerExpired{});
    EXPECT_EQ(session_->state(), State::Finding);
  }
  EXPECT_EQ(expected, kRetryDelayMax);
  // The backend was running all the while, and nobody watched.
  watch();
  EXPECT_EQ(tree_.revision, 1u);
  when(Disconnected{"gone"});
  EXPECT_EQ(done().back(), Effect(StartTimer{kRetryDelayMin})) << "short again";
}

TEST_F(SessionTest, WhatEndsTheWatchAndHowItIsPut) {
  const struct {
    Json pdu;
    const char* problem;
  } cases[] = {
      {{{"unilateral", true}, {"subscription", "hpp"}, {"canceled", true}},
       "Watchman has stopped watching: the directory is gone, or somebody ran watch-del"},
      {{{"error", "root is poisoned"}}, "Watchman says: root is poisoned"},
      {Json::array({1}), "Watchman sent something unexpected: not an object"},
      {{{"watch", "/r"}}, "Watchman sent something unexpected: an answer to watch-project"},
      {{{"clock", "c"}}, "Watchman sent something unexpected: a clock"},
      {{{"clock", "c"}, {"files", Json::array()}},
       "Watchman sent something unexpected: a list of files"},
      {{{"clock", "c"}, {"subscribe", "hpp"}},
       "Watchman sent something unexpected: an answer to subscribe"},
  };

  for (const auto& c : cases) {
    start();
    watch();
    when_received(c.pdu);
    EXPECT_FALSE(tree_.watching);
    EXPECT_EQ(tree_.problem, c.problem);
    EXPECT_EQ(session_->state(), State::Backoff);
    when(TimerExpired{});
    resolve();
    when_received(changes("c:5", {}));
    when_received(kSubscribed);
    EXPECT_TRUE(tree_.watching);
    EXPECT_EQ(tree_.problem, "");
    EXPECT_EQ(tree_.revision, 0u);
  }
}

TEST_F(SessionTest, ARefusedDirectoryIsAskedForAgain) {
  start();
  when(SocketFound{"/s"});
  when(Connected{});
  when_received({{"error", "resolve_projpath: no such directory"}});
  EXPECT_EQ(done(),
            (Effects{Disconnect{},
                     Publish{{.problem = "Watchman says: resolve_projpath: no such directory"}},
                     StartTimer{kRetryDelayMin}}));
}

TEST_F(SessionTest, AClockThatIsRefusedIsGivenUp) {
  start(bus::TreeState{.revision = 7, .clock = "garbage"});
  resolve();
  when_received({{"error", "invalid clockspec"}});
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout},
                             Send{changes_request(kPlace, "garbage", kFilter, Sync::None)}}));
  when_received({{"error", "invalid clockspec"}});
  EXPECT_EQ(session_->state(), State::Backoff);
  when(TimerExpired{});
  resolve();
  EXPECT_EQ(done().back(), Effect(Send{clock_request(kPlace, Sync::Full)}));
  when_received(kClock);
  when_received(kSubscribed);
  EXPECT_EQ(tree_, (bus::TreeState{.revision = 8, .clock = "c:1", .watching = true}));
}

TEST_F(SessionTest, ADirectoryThatWatchmanCannotWriteIsWatched) {
  start();
  resolve();
  when_received({{"error", "sync: creat(/r/.watchman-cookie-x) failed: Permission denied"}});
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout},
                             Send{links_request(kPlace, kFilter, Sync::None)}}));
  EXPECT_EQ(said(Say::Level::Warning), std::vector<std::string>{});
  when_received(kNoLinks);
  when_received(kSubscribed);
  EXPECT_EQ(tree_, (bus::TreeState{.clock = "c:1", .watching = true}));
}

TEST_F(SessionTest, AProblemWithACounterIsToldOnce) {
  start();
  when(SocketNotFound{"attempt 9 failed"});
  EXPECT_EQ(said(Say::Level::Warning).size(), 1u);
  when(TimerExpired{});
  when(SocketNotFound{"attempt 10 failed"});
  EXPECT_EQ(said(Say::Level::Warning).size(), 0u);
  EXPECT_EQ(tree_.problem, "attempt 10 failed");
}

TEST_F(SessionTest, TheFirstCrawlMayTakeMinutes) {
  start();
  when(SocketFound{"/s"});
  when(Connected{});
  for (int i = 1; i < kCrawlPatience; ++i) {
    when(TimerExpired{});
    EXPECT_EQ(session_->state(), State::Resolving);
    EXPECT_EQ(tree_.problem, "Watchman does not answer yet: it may be reading a large directory");
    EXPECT_EQ(said(Say::Level::Warning).size(), i == 1 ? 1u : 0u);
    EXPECT_EQ(done().back(), Effect(StartTimer{kAnswerTimeout}));
  }
  when(TimerExpired{});
  EXPECT_EQ(session_->state(), State::Backoff);
  EXPECT_EQ(tree_.problem, "Watchman does not answer");
  // The next attempt is waited for as long.
  when(TimerExpired{});
  when(SocketFound{"/s"});
  when(Connected{});
  when(TimerExpired{});
  EXPECT_EQ(session_->state(), State::Resolving);
}

TEST_F(SessionTest, AnAnswerToTheOtherQuestionIsOdd) {
  start(bus::TreeState{.revision = 7, .clock = "c:old"});
  resolve();
  when_received(kClock);
  EXPECT_EQ(tree_.problem, "Watchman sent something unexpected: a clock");

  start(bus::TreeState{.revision = 7});
  resolve();
  when_received(changes("c:2", {"a.py"}));
  EXPECT_EQ(tree_.problem, "Watchman sent something unexpected: a list of files");
}

TEST_F(SessionTest, NoAnswerIsAnEnd) {
  start();
  when(TimerExpired{});
  EXPECT_EQ(tree_.problem, "watchman get-sockname does not end");
  EXPECT_EQ(all<Disconnect>().size(), 1u);

  start();
  when(SocketFound{"/s"});
  when(TimerExpired{});
  EXPECT_EQ(tree_.problem, "Watchman does not take the connection");

  start();
  resolve();
  when_received(kNoLinks);
  when(TimerExpired{});
  EXPECT_EQ(tree_.problem, "Watchman does not answer");
}

TEST_F(SessionTest, LateNewsOfAnOldConnectionIsIgnored) {
  start();
  watch();
  when(Disconnected{"gone"});
  const bus::TreeState before = tree_;
  when_received(files("c:7", {"a.py"}));
  EXPECT_EQ(effects_, Effects{});
  when(Disconnected{"gone again"});
  EXPECT_EQ(effects_, Effects{});
  when(SocketFound{"/s"});
  EXPECT_EQ(effects_, Effects{});
  when(Connected{});
  EXPECT_EQ(effects_, Effects{});
  EXPECT_EQ(tree_, before);
  when(TimerExpired{});
  when(Disconnected{"gone once more"});
  EXPECT_EQ(effects_, Effects{});
  EXPECT_EQ(session_->state(), State::Finding);
}

// ---- what git ignores ---------------------------------------------------------------------------

class Gitignore : public SessionTest {
 protected:
  Gitignore() { filter_.gitignore = true; }
};

TEST_F(Gitignore, TakesItsFilesAway) {
  start();
  watch();
  when_received(files("c:2", {"ignored.log", "a.py"}));
  EXPECT_EQ(all<AskGit>(), (std::vector<AskGit>{{{"ignored.log", "a.py"}}}));
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.changed, std::vector<std::string>{"a.py"});
  EXPECT_EQ(tree_.changed_count, 1u);
}

TEST_F(Gitignore, NamesNoLinkThatGitIgnores) {
  links_ = {{.name = "ignored.py", .target = "/x"}, {.name = "lib.py", .target = "/y"}};
  start();
  resolve();
  when_received(changes("c:1", {"ignored.py", "lib.py"}));
  EXPECT_EQ(said(Say::Level::Warning), std::vector<std::string>{outside_warning({links_[1]})});
  when_received(kSubscribed);
  EXPECT_EQ(tree_.revision, 0U);
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(tree_.revision, 1U);
}

TEST_F(Gitignore, NamesNoFileThatIsGoneAgain) {
  start();
  watch();
  Json pdu = files("c:2", {"a.py"});
  pdu["files"].push_back({{"name", "4913"}, {"exists", false}, {"new", true}});
  when_received(pdu);
  EXPECT_EQ(all<AskGit>(), (std::vector<AskGit>{{{"a.py", "4913"}}}));
  EXPECT_EQ(tree_.changed, std::vector<std::string>{"a.py"});
  EXPECT_EQ(tree_.changed_count, 1U);
}

TEST_F(Gitignore, LeavesNothingToTellWhereAllAreIgnored) {
  start();
  watch();
  when_received(files("c:2", {"ignored.log"}));
  EXPECT_EQ(tree_.revision, 0u);
  EXPECT_EQ(tree_.clock, "c:2");
}

TEST_F(Gitignore, DoesNotConcernWhatTheUserHasNamedForBrowsers) {
  start();
  watch();
  when_received(files("c:2", {"ignored.css"}));
  EXPECT_EQ(all<AskGit>().size(), 0u);
  EXPECT_EQ(tree_.refresh.count, 1u);
}

TEST_F(Gitignore, CountsBeforeATicketIsAnswered) {
  start();
  watch();
  when_asked(1);
  when_received(files("c:2", {"a.py"}));
  when_received(kFlushed);
  EXPECT_EQ(tree_.revision, 1u);
  EXPECT_EQ(tree_.answers.number, 1u);
}

TEST_F(Gitignore, ThatDoesNotWorkIsToldOnce) {
  start();
  watch();
  git_problem_ = "git says: fatal: not a git repository";
  when_received(files("c:2", {"a.py"}));
  EXPECT_EQ(
      said(Say::Level::Warning),
      std::vector<std::string>{"--gitignore does not work: git says: fatal: not a git repository"});
  EXPECT_EQ(tree_.revision, 1u);
  when_received(files("c:3", {"a.py"}));
  EXPECT_TRUE(said(Say::Level::Warning).empty());
}

// ---- saves that change nothing ------------------------------------------------------------------

class IgnoreUnchanged : public SessionTest {
 protected:
  static constexpr const char* kOld = "89e6c98d92887913cadf06b2adb97f26cde4849b";
  static constexpr const char* kNew = "3f786850e387550fdab836ed7e6dc881de23001b";

  IgnoreUnchanged() { filter_.ignore_unchanged = true; }

  static Json entry(const char* name, const Json& digest) {
    return {{"name", name}, {"content.sha1hex", digest}};
  }

  static Json with(Json pdu, std::vector<Json> entries) {
    pdu["files"] = std::move(entries);
    return pdu;
  }

  // Watches a.py, whose content is the old one.
  void watch_contents() {
    start();
    resolve();
    when_received(kNoLinks);
    EXPECT_EQ(done().back(), Effect(Send{contents_request(kPlace, filter_, Sync::Full)}));
    when_received(with(changes("c:1", {}, true), {entry("a.py", kOld)}));
    EXPECT_EQ(done().back(), Effect(Send{subscribe_request(kPlace, "c:1", filter_)}));
    when_received(kSubscribed);
    EXPECT_EQ(tree_.revision, 0u) << "starting up is no change";
  }

  void save(const char* name, const Json& digest) {
    when_received(with(files("c:2", {}), {entry(name, digest)}));
  }
};

TEST_F(IgnoreUnchanged, CountsNewContentsAlone) {
  watch_contents();
  save("a.py", kOld);
  EXPECT_EQ(tree_.revision, 0u);
  save("a.py", kNew);
  EXPECT_EQ(tree_.revision, 1u);
  save("a.py", kNew);
  EXPECT_EQ(tree_.revision, 1u);
  save("a.py", kOld);
  EXPECT_EQ(tree_.revision, 2u) << "back to what it was is a change, too";
}

TEST_F(IgnoreUnchanged, CountsNewFilesAndDeletedOnes) {
  watch_contents();
  save("b.py", kOld);
  EXPECT_EQ(tree_.revision, 1u);
  save("b.py", nullptr);
  EXPECT_EQ(tree_.revision, 2u);
  save("b.py", kOld);
  EXPECT_EQ(tree_.revision, 3u);
}

TEST_F(IgnoreUnchanged, CountsWhatWatchmanCannotRead) {
  watch_contents();
  save("a.py", {{"error", "Permission denied"}});
  save("a.py", {{"error", "Permission denied"}});
  EXPECT_EQ(tree_.revision, 2u);
  save("a.py", kOld);
  EXPECT_EQ(tree_.revision, 3u) << "what it was before is forgotten";
}

TEST_F(IgnoreUnchanged, KnowsNothingAfterWatchmanHasLostTrack) {
  watch_contents();
  when_received(with(files("c:9", {}, true), {entry("a.py", kOld)}));
  EXPECT_EQ(tree_.revision, 1u);
  save("a.py", kOld);
  EXPECT_EQ(tree_.revision, 2u);
}

TEST_F(IgnoreUnchanged, ComparesWhatChangedWhileWatchmanWasAway) {
  watch_contents();
  when(Disconnected{"gone"});
  when(TimerExpired{});
  resolve();
  when_received(with(changes("c:3", {}), {entry("a.py", kOld)}));
  when_received(kSubscribed);
  EXPECT_EQ(tree_.revision, 0u);
  EXPECT_TRUE(tree_.watching);
}

}  // namespace
}  // namespace hpp::watchd
