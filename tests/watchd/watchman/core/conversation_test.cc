#include "watchd/watchman/core/conversation.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/driver.h"
#include "watchd/watchman/core/bser.h"

namespace hpp::watchd {

using test::PrintTo;

namespace watchman {

using test::PrintTo;

namespace {

using Json = nlohmann::json;
using State = Conversation::State;
using Lines = std::vector<std::string>;

// ---- helpers: when() takes an event, done() returns its effects ---------------------------------

class ConversationTest : public testing::Test, protected test::Driver<Conversation, Event, Effect> {
 protected:
  void start(const Watch& order = {}, bool lists_links = true) {
    drive(Conversation(
        {.directory = "/home/me/site", .filter = filter_, .lists_links = lists_links}));
    when(order);
  }

  void when(const Event& event) { (*this)(event); }

  void when_received(const Json& pdu) { when(PduArrived{bser::encode(pdu)}); }

  std::optional<Event> perform(Effect& effect) override {
    if (std::holds_alternative<LookAtRoot>(effect)) return RootSeen{root_};
    return std::nullopt;
  }

  // The effects of the last event without log lines, and without looks, which are answered already.
  Effects done() const { return all_but<Say, LookAtRoot>(); }

  Lines warnings() const {
    Lines lines;
    for (const Say& say : all<Say>()) {
      if (say.level == Say::Level::Warning) lines.push_back(say.text);
    }
    return lines;
  }

  // Expects that the last effect sends this request.
  void expect_asked(const std::string& request) const {
    EXPECT_EQ(done().back(), Effect(Send{request}));
  }

  void expect_lost(const std::string& why, const std::string& clock) {
    EXPECT_EQ(done(), (Effects{Disconnect{}, StopTimer{}, Lost{.why = why, .clock = clock}}));
    EXPECT_EQ(state(), State::Off);
  }

  // ---- shortcuts to a state ----

  void resolve() {
    when(SocketFound{"/s"});
    when(Connected{});
    when_received(kProject);
  }

  // Brings the conversation to Watching, from the clock c:1.
  void watch() {
    start({.since = "c:1"}, /*lists_links=*/false);
    resolve();
    when_received(changes("c:1", {}));
    when_received(kSubscribed);
    EXPECT_EQ(state(), State::Watching);
  }

  static Json changes(const char* clock, const Lines& names, bool fresh = false) {
    Json files = Json::array();
    for (const std::string& name : names) files.push_back({{"name", name}, {"oclock", clock}});
    return {{"clock", clock}, {"is_fresh_instance", fresh}, {"files", std::move(files)}};
  }

  static Json news(const char* clock, const Lines& names, bool fresh = false) {
    Json pdu = changes(clock, names, fresh);
    pdu.update({{"unilateral", true}, {"subscription", "hpp"}});
    return pdu;
  }

  static Effect changed(const char* clock, const Lines& names) {
    Changed report{.clock = clock, .files = {}, .lost_track = {}};
    for (const std::string& name : names) report.files.push_back({.name = name});
    return report;
  }

  const Place kPlace{.root = "/home/me", .relative_path = "site"};
  const Json kProject{{"watch", "/home/me"}, {"relative_path", "site"}};
  const Json kClock{{"clock", "c:1"}};
  const Json kNoLinks{{"clock", "c:1"}, {"files", Json::array()}};
  const Json kSubscribed{{"subscribe", "hpp"}, {"clock", "c:1"}};
  const Json kFlushed{
      {"synced", Json::array()}, {"no_sync_needed", {"hpp"}}, {"dropped", Json::array()}};
  const Json kRefused{{"error", "no"}};

  Filter filter_{.patterns = {"*.py"}};
  std::string root_ = "root 1";
};

// ---- from Off to Watching -----------------------------------------------------------------------

TEST_F(ConversationTest, BeginsWithoutAClock) {
  start();
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout}, FindSocket{}}));
  when(SocketFound{"/tmp/sock"});
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout}, Connect{"/tmp/sock"}}));
  when(Connected{});
  EXPECT_EQ(done(),
            (Effects{StartTimer{kAnswerTimeout}, Send{watch_project_request("/home/me/site")}}));
  when_received(kProject);
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout},
                             Send{links_request(kPlace, filter_, Cookie::Wanted)}}));
  when_received(changes("c:1", {"lib.py"}));
  EXPECT_EQ(done(),
            (Effects{LinksListed{{"lib.py"}}, Began{.clock = "c:1", .files = {}},
                     StartTimer{kAnswerTimeout}, Send{subscribe_request(kPlace, "c:1", filter_)}}));
  when_received(kSubscribed);
  EXPECT_EQ(done(), (Effects{StopTimer{}, Watching{}}));
}

TEST_F(ConversationTest, NamesTheProjectFolderByItsRealPath) {
  start();
  when(SocketFound{"/s"});
  when(Connected{"/real/site"});
  expect_asked(watch_project_request("/real/site"));
}

TEST_F(ConversationTest, BeginsFromAClock) {
  start({.since = "c:old"}, /*lists_links=*/false);
  resolve();
  expect_asked(changes_request(kPlace, "c:old", filter_, Cookie::Wanted));
  when_received(changes("c:2", {"x.py", "y.py"}));
  EXPECT_EQ(done().front(), changed("c:2", {"x.py", "y.py"}));
  expect_asked(subscribe_request(kPlace, "c:2", filter_));
}

TEST_F(ConversationTest, AsksForTheLinksFirst) {
  start({.since = "c:old"});
  resolve();
  expect_asked(links_request(kPlace, filter_, Cookie::Wanted));
  when_received(changes("c:2", {"lib"}));
  EXPECT_EQ(done().front(), Effect(LinksListed{{"lib"}}));
  expect_asked(changes_request(kPlace, "c:old", filter_, Cookie::Wanted));
}

TEST_F(ConversationTest, AClockThatWatchmanDoesNotKnowIsReportedAsLostTrack) {
  start({.since = "c:old"}, /*lists_links=*/false);
  resolve();
  when_received(changes("c:2", {}, /*fresh=*/true));
  EXPECT_EQ(done().front(), Effect(Changed{.clock = "c:2",
                                           .files = {},
                                           .lost_track = "Watchman has lost track of the files"}));
}

TEST_F(ConversationTest, AsksForAllFilesIfUnchangedFilesAreIgnored) {
  filter_.ignore_unchanged = true;
  start();
  resolve();
  when_received(kNoLinks);
  expect_asked(files_request(kPlace, filter_, Cookie::Wanted));
  when_received({{"clock", "c:1"}, {"files", {{{"name", "a.py"}}}}});
  EXPECT_EQ(done().front(), Effect(Began{.clock = "c:1", .files = {{.name = "a.py"}}}));
}

TEST_F(ConversationTest, ARootThatIsTheProjectFolderHasNoRelativePath) {
  start();
  when(SocketFound{"/s"});
  when(Connected{});
  when_received({{"watch", "/home/me/site"}});
  expect_asked(links_request({.root = "/home/me/site"}, filter_, Cookie::Wanted));
}

TEST_F(ConversationTest, LinksAreListedInTheFirstWatchAndInAWatchWithoutAClock) {
  start({.since = "c:1"});
  resolve();
  expect_asked(links_request(kPlace, filter_, Cookie::Wanted));
  when_received(kNoLinks);
  when(Unwatch{});
  when(Watch{.since = "c:1"});
  resolve();
  expect_asked(changes_request(kPlace, "c:1", filter_, Cookie::Wanted));
  when(Unwatch{});
  when(Watch{});
  resolve();
  expect_asked(links_request(kPlace, filter_, Cookie::Wanted));
}

TEST_F(ConversationTest, LinksAreNotListedIfTheAnswerIsUnusableTwice) {
  start();
  for (int attempt = 1; attempt <= 2; ++attempt) {
    resolve();
    expect_asked(links_request(kPlace, filter_, Cookie::Wanted));
    when(PduTooLong{100'000'000});
    when(Watch{});
  }
  resolve();
  expect_asked(clock_request(kPlace, Cookie::Wanted));
  when_received(kClock);
  EXPECT_EQ(done().front(), Effect(Began{.clock = "c:1", .files = {}}));
}

TEST_F(ConversationTest, LinksAreListedAfterTheConnectionWasLostOnce) {
  start();
  resolve();
  when(Disconnected{"Watchman was restarted"});
  when(Watch{});
  resolve();
  expect_asked(links_request(kPlace, filter_, Cookie::Wanted));
  when_received(changes("c:1", {"lib"}));
  EXPECT_EQ(done().front(), Effect(LinksListed{{"lib"}}));
}

TEST_F(ConversationTest, LinksAreListedAfterWatchmanHasLostTrack) {
  start({.since = "c:old"});
  resolve();
  when_received(kNoLinks);
  when_received(changes("c:2", {}, /*fresh=*/true));
  expect_asked(links_request(kPlace, filter_, Cookie::Wanted));
  when_received(changes("c:3", {"new"}));
  EXPECT_EQ(done().front(), Effect(LinksListed{{"new"}}));
  expect_asked(subscribe_request(kPlace, "c:2", filter_));
}

TEST_F(ConversationTest, LinksAreAmongTheFilesIfWatchmanLosesTrackWhileItWatches) {
  watch();
  when_received(news("c:2", {"a.py", "new"}, /*fresh=*/true));
  EXPECT_EQ(done(), (Effects{LinksListed{{"a.py", "new"}},
                             Changed{.clock = "c:2",
                                     .files = {},
                                     .lost_track = "Watchman has lost track of the files"}}));
}

TEST_F(ConversationTest, ChangesThatCannotBeReadAreNotAskedForAgain) {
  start({.since = "c:1"}, /*lists_links=*/false);
  resolve();
  when(PduTooLong{100'000'000});
  expect_lost("Watchman sent 100000000 bytes at once", "");
  watch();
  when(PduTooLong{100'000'000});
  expect_lost("Watchman sent 100000000 bytes at once", "");
}

TEST_F(ConversationTest, AListOfAllFilesThatCannotBeReadIsNotAskedForAgain) {
  filter_.ignore_unchanged = true;
  start({}, /*lists_links=*/false);
  resolve();
  expect_asked(files_request(kPlace, filter_, Cookie::Wanted));
  when(PduTooLong{100'000'000});
  expect_lost("Watchman sent 100000000 bytes at once", "");
  when(Watch{});
  resolve();
  expect_asked(clock_request(kPlace, Cookie::Wanted));
  when_received(kClock);
  EXPECT_EQ(all<Began>(), (std::vector<Began>{{.clock = "c:1", .files = {}}}));
}

TEST_F(ConversationTest, AsksForTheClockIfWatchmanListsNoLinks) {
  start();
  resolve();
  when_received(kRefused);
  expect_asked(links_request(kPlace, filter_, Cookie::None));
  when_received(kRefused);
  expect_asked(clock_request(kPlace, Cookie::Wanted));
}

TEST_F(ConversationTest, ADirectoryThatWatchmanCannotWriteIsWatched) {
  start();
  resolve();
  when_received({{"error", "sync: creat(/r/.watchman-cookie-x) failed: Permission denied"}});
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout},
                             Send{links_request(kPlace, filter_, Cookie::None)}}));
  EXPECT_EQ(warnings(), Lines{});
}

TEST_F(ConversationTest, AClockThatWatchmanRefusesIsDropped) {
  start({.since = "garbage"}, /*lists_links=*/false);
  resolve();
  when_received({{"error", "invalid clockspec"}});
  expect_asked(changes_request(kPlace, "garbage", filter_, Cookie::None));
  when_received({{"error", "invalid clockspec"}});
  expect_lost("Watchman says: invalid clockspec", "");
}

TEST_F(ConversationTest, TheFirstCrawlMayTakeMinutes) {
  start();
  when(SocketFound{"/s"});
  when(Connected{});
  for (int attempt = 0; attempt < 2; ++attempt) {
    for (int i = 1; i < kCrawlPatience; ++i) {
      when(TimerExpired{});
      EXPECT_EQ(
          done(),
          (Effects{Delayed{"Watchman does not answer yet: it may be reading a large directory"},
                   StartTimer{kAnswerTimeout}}));
    }
    when(TimerExpired{});
    expect_lost("Watchman does not answer", "");
    when(Watch{});
    when(SocketFound{"/s"});
    when(Connected{});
  }
}

// ---- the root is replaced -----------------------------------------------------------------------

class RootTest : public ConversationTest {
 protected:
  const std::string kWatchProject = watch_project_request("/home/me/site");
  const std::string kWatchDel = watch_del_request("/home/me");

  void SetUp() override {
    watch();
    when(Unwatch{});
    root_ = "root 2";
    when(Watch{.since = "", .is_replaced = true});
    resolve();
  }
};

TEST_F(RootTest, WatchmanForgetsItFirst) {
  expect_asked(kWatchDel);
  EXPECT_EQ(state(), State::Forgetting);
  when_received({{"watch-del", true}, {"root", "/home/me"}});
  expect_asked(kWatchProject);
  when_received(kProject);
  EXPECT_EQ(state(), State::CatchingUp) << "watch-del is sent only once";
  when(Unwatch{});
  when(Watch{});
  resolve();
  EXPECT_EQ(state(), State::CatchingUp) << "the root has not changed since";
}

TEST_F(RootTest, AnUnknownRootIsNoError) {
  when_received({{"error", "unable to resolve root"}});
  expect_asked(kWatchProject);
}

TEST_F(ConversationTest, ARestartedWatchdUsesTheOrdersReplacedFlag) {
  for (const bool is_root : {true, false}) {
    start({.since = "", .is_replaced = true});
    when(SocketFound{"/s"});
    when(Connected{});
    if (is_root) {
      when_received({{"watch", "/home/me/site"}});
      expect_asked(watch_del_request("/home/me/site"));
    } else {
      when_received(kProject);
      EXPECT_EQ(state(), State::CatchingUp) << "the root may be unchanged";
    }
  }
}

// ---- changes ------------------------------------------------------------------------------------

TEST_F(ConversationTest, ReportsChangesOfTheSubscription) {
  watch();
  when_received(news("c:2", {"a.py", "b.py"}));
  EXPECT_EQ(done(), Effects{changed("c:2", {"a.py", "b.py"})});
}

TEST_F(ConversationTest, ReportsAChangeBeforeTheAnswerToSubscribe) {
  start();
  resolve();
  when_received(kNoLinks);
  when_received(news("c:2", {"a.py"}));
  EXPECT_EQ(done(), Effects{changed("c:2", {"a.py"})});
  when_received(kSubscribed);
  EXPECT_EQ(done(), (Effects{StopTimer{}, Watching{}}));
  when(Disconnected{"gone"});
  expect_lost("gone", "c:2");
}

// Watchman had read its clock before the file changed, so it reports the file once more.
TEST_F(ConversationTest, AChangeThatWatchmanRepeatsIsReportedOnce) {
  watch();
  Json early = news("c:3", {"a.py"});
  early["clock"] = "c:2";
  when_received(early);
  EXPECT_EQ(done(), Effects{changed("c:3", {"a.py"})})
      << "an older clock would make the next watchd count it again";
  when_received(news("c:3", {"a.py"}));
  EXPECT_EQ(done(), Effects{changed("c:3", {})});
  Json mixed = news("c:4", {"b.py"});
  mixed["files"].push_back({{"name", "a.py"}, {"oclock", "c:3"}});
  when_received(mixed);
  EXPECT_EQ(done(), Effects{changed("c:4", {"b.py"})});
  when_received(news("c:5", {"a.py"}));
  EXPECT_EQ(done(), Effects{changed("c:5", {"a.py"})});
}

TEST_F(ConversationTest, StatesAndLogLinesAreIgnored) {
  watch();
  when_received({{"unilateral", true}, {"subscription", "hpp"}, {"state-enter", "x"}});
  EXPECT_EQ(effects(), Effects{});
  when_received({{"unilateral", true}, {"log", "crawl complete"}});
  EXPECT_EQ(effects(), Effects{});
}

TEST_F(ConversationTest, AWarningIsLoggedOnce) {
  watch();
  Json pdu = news("c:2", {"a"});
  pdu["warning"] = "too many\nwatches";
  when_received(pdu);
  EXPECT_EQ(warnings(), Lines{"Watchman warns: too many watches"});
  when_received(pdu);
  EXPECT_EQ(warnings(), Lines{});
}

// ---- flushes ------------------------------------------------------------------------------------

TEST_F(ConversationTest, ASyncSendsAFlush) {
  watch();
  when(Sync{});
  EXPECT_EQ(done(), (Effects{StartTimer{kAnswerTimeout}, Send{flush_request(kPlace)}}));
  when_received(news("c:2", {"a.py"}));
  EXPECT_EQ(done(), Effects{changed("c:2", {"a.py"})});
  when_received(kFlushed);
  EXPECT_EQ(done(), (Effects{StopTimer{}, Synced{}}));
}

TEST_F(ConversationTest, ARefusedFlushFailsTheSync) {
  const struct {
    const char* error;
    SyncFailed report;
  } cases[] = {
      {"sync_timeout expired", {.why = "Watchman says: sync_timeout expired"}},
      {"unknown command flush-subscriptions",
       {.why = "this Watchman does not know flush-subscriptions, which came with 4.8",
        .is_final = true}},
  };

  watch();
  for (const auto& c : cases) {
    when(Sync{});
    when_received({{"error", c.error}});
    EXPECT_EQ(done(), (Effects{StopTimer{}, c.report}));
  }
  EXPECT_EQ(state(), State::Watching);
}

TEST_F(ConversationTest, AFlushWithoutAnAnswerLosesTheWatch) {
  watch();
  when(TimerExpired{});
  EXPECT_EQ(effects(), Effects{}) << "nothing was asked";
  when(Sync{});
  when(TimerExpired{});
  expect_lost("Watchman does not answer", "c:1");
}

TEST_F(ConversationTest, DroppedChangesAreAskedForAgain) {
  watch();
  when(Sync{});
  when_received({{"synced", Json::array()}, {"dropped", {"hpp"}}});
  expect_lost("Watchman sent something unexpected: a report of dropped changes", "c:1");
}

// ---- failures -----------------------------------------------------------------------------------

TEST_F(ConversationTest, UnexpectedPdusLoseTheWatchWithAReason) {
  const struct {
    Json pdu;
    const char* problem;
  } cases[] = {
      {{{"unilateral", true}, {"subscription", "hpp"}, {"canceled", true}},
       "Watchman has stopped watching: the directory was deleted, or watch-del was run"},
      {{{"error", "root is poisoned"}}, "Watchman says: root is poisoned"},
      {Json::array({1}), "Watchman sent something unexpected: not an object"},
      {{{"watch", "/r"}}, "Watchman sent something unexpected: an answer to watch-project"},
      {kClock, "Watchman sent something unexpected: a clock"},
      {kNoLinks, "Watchman sent something unexpected: a list of files"},
      {kSubscribed, "Watchman sent something unexpected: an answer to subscribe"},
      {kFlushed, "Watchman sent something unexpected: an answer to flush-subscriptions"},
  };

  for (const auto& c : cases) {
    watch();
    when_received(c.pdu);
    expect_lost(c.problem, "c:1");
  }
}

TEST_F(ConversationTest, AnAnswerToTheWrongQuestionLosesTheWatch) {
  start({.since = "c:old"}, /*lists_links=*/false);
  resolve();
  when_received(kClock);
  expect_lost("Watchman sent something unexpected: a clock", "c:old");

  start({}, /*lists_links=*/false);
  resolve();
  when_received(changes("c:2", {"a.py"}));
  expect_lost("Watchman sent something unexpected: a list of files", "");
}

TEST_F(ConversationTest, ARefusedDirectoryLosesTheWatch) {
  start();
  when(SocketFound{"/s"});
  when(Connected{});
  when_received({{"error", "resolve_projpath: no such directory"}});
  expect_lost("Watchman says: resolve_projpath: no such directory", "");
}

TEST_F(ConversationTest, AMissingAnswerLosesTheWatch) {
  start();
  when(SocketNotFound{"no such command"});
  expect_lost("no such command", "");

  start();
  when(TimerExpired{});
  expect_lost("watchman get-sockname does not end", "");

  start();
  when(SocketFound{"/s"});
  when(TimerExpired{});
  expect_lost("Watchman does not take the connection", "");

  start();
  resolve();
  when_received(kNoLinks);
  when(TimerExpired{});
  expect_lost("Watchman does not answer", "c:1");
}

TEST_F(ConversationTest, LatePdusOfAnOldConnectionAreIgnored) {
  watch();
  when(Unwatch{});
  EXPECT_EQ(done(), (Effects{Disconnect{}, StopTimer{}}));
  const std::vector<Event> late{PduArrived{bser::encode(news("c:7", {"a.py"}))},
                                Disconnected{"gone"},
                                Connected{},
                                TimerExpired{},
                                Sync{},
                                Unwatch{}};
  for (const Event& event : late) {
    when(event);
    EXPECT_EQ(effects(), Effects{});
  }
  when(SocketFound{"/s"});
  EXPECT_EQ(effects(), Effects{});
  when(Watch{});
  when(Disconnected{"gone once more"});
  EXPECT_EQ(effects(), Effects{});
  EXPECT_EQ(state(), State::Finding);
}

}  // namespace
}  // namespace watchman
}  // namespace hpp::watchd
