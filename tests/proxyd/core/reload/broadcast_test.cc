#include "proxyd/core/reload/broadcast.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;
using enum bus::BackendPhase;

bus::BackendState backend(bus::BackendPhase state, std::uint64_t generation,
                          std::uint64_t seen = 0) {
  return {.stamp = {.epoch = 5, .sequence = 1},
          .state = state,
          .generation = generation,
          .seen = {.epoch = 9, .revision = seen}};
}

bus::TreeState tree(std::uint64_t revision, bus::Refresh refresh = {}, std::uint64_t epoch = 9) {
  return {.stamp = {.epoch = epoch, .sequence = 1}, .revision = revision, .refresh = refresh};
}

bus::Refresh css(std::uint64_t count, std::vector<std::string> paths, std::uint64_t in_all = 0) {
  const auto named = paths.size();
  return {.count = count, .css = std::move(paths), .css_count = in_all > 0 ? in_all : named};
}

bus::Refresh page(std::uint64_t count, const std::string& path) {
  return {.count = count, .reload = {path}, .reload_count = 1};
}

class BroadcastTest : public testing::Test {
 protected:
  // Begins with a running backend that serves the newest tree.
  void SetUp() override {
    (void)broadcast_.on(tree(3, {.count = 7}));
    (void)broadcast_.on(backend(Running, 1, 3));
  }

  Json state(const Viewer& viewer = {.sees_output = true}) const {
    return Json::parse(broadcast_.state(viewer));
  }

  Broadcast broadcast_;
};

TEST(Broadcast, HasNoStateBeforeTheFirstReport) {
  Broadcast broadcast;
  EXPECT_EQ(broadcast.state({}), "");
  EXPECT_EQ(broadcast.on(tree(1, page(4, "a"))), Outgoing{});
  EXPECT_EQ(broadcast.state({}), "");
  const Outgoing outgoing = broadcast.on(backend(Loading, 1));
  EXPECT_TRUE(outgoing.official.empty());
  EXPECT_TRUE(outgoing.state);
}

TEST_F(BroadcastTest, SendsTheState) {
  EXPECT_EQ(state(), Json::parse(R"({"command": "state", "state": "Running", "epoch": 5,
    "generation": 1, "refresh": {"epoch": 9, "count": 7, "css": [], "all_css": false,
    "page": false}})"));
}

TEST_F(BroadcastTest, SendsNothingIfNothingHasChanged) {
  bus::TreeState answered = tree(3, {.count = 7});
  answered.answers = {.epoch = 1, .number = 2};
  EXPECT_EQ(broadcast_.on(answered), Outgoing{});
  bus::BackendState same = backend(Running, 1, 3);
  same.stamp.sequence = 8;
  same.answers = {.epoch = 1, .number = 2};
  EXPECT_EQ(broadcast_.on(same), Outgoing{});
}

TEST_F(BroadcastTest, ARestartReloadsOfficialClientsAtTheKill) {
  EXPECT_EQ(broadcast_.on(backend(Killing, 1, 3)),
            (Outgoing{.official = {livereload_reload()}, .state = true, .why = {}}));
  EXPECT_EQ(broadcast_.on(backend(Running, 2, 3)),
            (Outgoing{.official = {}, .state = true, .why = {}}));
  EXPECT_EQ(state()["generation"], 2);
}

TEST_F(BroadcastTest, ACrashIsSentWithItsOutput) {
  bus::BackendState crashed = backend(Error, 1, 3);
  crashed.exit = bus::BackendExit{.code = 3, .signal = {}, .spawn_error = ""};
  crashed.command = {"python3", "app.py"};
  crashed.output_tail = "Traceback\n\xff<script>\n\n";
  const Outgoing outgoing = broadcast_.on(crashed);
  EXPECT_EQ(outgoing.official, std::vector{livereload_reload()});
  EXPECT_TRUE(outgoing.state);
  const Json crash = state()["crash"];
  EXPECT_EQ(crash["how"], "it ended with exit code 3");
  EXPECT_EQ(crash["next"], "Save a file and hpp starts your server again.");
  EXPECT_EQ(crash["title"], "Your server has crashed");
  EXPECT_EQ(crash["command"], "python3 app.py");
  EXPECT_EQ(crash["output"], "Traceback\n\ufffd<script>");
  EXPECT_TRUE(crash["error"].is_null());
  // A page of another machine only gets the fact that the server has crashed, and what is next.
  EXPECT_EQ(
      state({})["crash"],
      Json({{"how", "it has failed"}, {"next", crash["next"]}, {"command", ""}, {"output", ""}}));
}

TEST_F(BroadcastTest, ACrashIsSentWithTheErrorAndItsSource) {
  bus::BackendState crashed = backend(Error, 1, 3);
  crashed.output_tail = "Traceback\n  File a\n  File lib\nNameError: x\n";
  crashed.error = bus::BackendError{
      .message = "NameError: x",
      .file = "app.py",
      .line = 2,
      .source = "a\nb\n",
      .source_line = 1,
      .frames = {{.file = "lib", .is_foreign = true, .output_line = 2, .output_lines = 1}}};
  (void)broadcast_.on(crashed);
  const Json crash = state()["crash"];
  EXPECT_EQ(crash["error"], Json::parse(R"({"message": "NameError: x", "file": "app.py", "line": 2,
    "source": [{"number": 1, "text": "a", "here": false},
               {"number": 2, "text": "b", "here": true}]})"));
  EXPECT_EQ(crash["parts"], Json::parse(R"([
    {"text": "Traceback\n  File a", "lines": 2, "foreign": false},
    {"text": "  File lib", "lines": 1, "foreign": true},
    {"text": "NameError: x", "lines": 1, "foreign": false}])"));
}

TEST_F(BroadcastTest, ACrashNamesItsRequestAsSoonAsItIsKnown) {
  bus::BackendState crashed = backend(Error, 1, 3);
  crashed.failure = bus::Failure::Crashed;
  (void)broadcast_.on(crashed);
  EXPECT_EQ(state()["crash"]["title"], "Your server has crashed");
  EXPECT_TRUE(state()["crash"]["request"].is_null());
  EXPECT_TRUE(broadcast_.on(crashed, {.requests = "GET /x"}).state);
  EXPECT_EQ(state()["crash"]["title"], "Your server crashed while it handled GET /x");
  EXPECT_EQ(state()["crash"]["request"], "GET /x");
  EXPECT_FALSE(broadcast_.on(crashed, {.requests = "GET /x"}).state);
  crashed.failure = bus::Failure::BuildFailed;
  (void)broadcast_.on(crashed, {.requests = "GET /x"});
  EXPECT_TRUE(state()["crash"]["request"].is_null()) << "no request makes a build fail";
}

TEST_F(BroadcastTest, AFailedBuildBesideTheBackendIsSent) {
  bus::BackendState kept = backend(Running, 1, 4);
  kept.failure = bus::Failure::BuildFailed;
  kept.problem = "make failed: exit code 2";
  (void)broadcast_.on(tree(4, {.count = 7}));
  EXPECT_EQ(state()["state"], "Killing");
  EXPECT_TRUE(broadcast_.on(kept).state);
  EXPECT_EQ(state()["state"], "Running");
  EXPECT_EQ(state()["crash"]["title"], "The build failed");
  (void)broadcast_.on(tree(5, {.count = 7}));
  EXPECT_EQ(state()["state"], "Killing");
  EXPECT_FALSE(state().contains("crash")) << "the next build has begun";
}

TEST_F(BroadcastTest, OnlyThisMachineGetsTheEditor) {
  (void)broadcast_.on(backend(Error, 1, 3), {.editor = "vscode://file/p/a.py:5"});
  const Viewer here{.sees_output = true, .has_editor = true};
  EXPECT_EQ(state(here)["crash"]["editor"], "vscode://file/p/a.py:5");
  EXPECT_FALSE(state({.sees_output = true})["crash"].contains("editor"));
  EXPECT_FALSE(state({.has_editor = true})["crash"].contains("editor"));
  (void)broadcast_.on(backend(Error, 1, 3));
  EXPECT_FALSE(state(here)["crash"].contains("editor"));
}

TEST_F(BroadcastTest, StyleSheetsAreSwapped) {
  const Outgoing outgoing = broadcast_.on(tree(3, css(8, {"s/a.css", "s/b.scss"})));
  EXPECT_EQ(outgoing.official, (std::vector{livereload_css("s/a.css"), livereload_css("s/b.css")}));
  EXPECT_EQ(outgoing.why, "s/a.css and 1 more changed");
  EXPECT_TRUE(outgoing.state);
  EXPECT_EQ(state()["refresh"]["css"], Json({"s/a.css", "s/b.scss"}));
  EXPECT_EQ(state()["refresh"]["page"], false);
}

TEST_F(BroadcastTest, AllStyleSheetsAreSwappedIfNotAllAreListed) {
  const Outgoing outgoing = broadcast_.on(tree(3, css(8, {"a.css", "b.css"}, 30)));
  EXPECT_EQ(outgoing.official, std::vector{livereload_css("*.css")});
  EXPECT_EQ(state()["refresh"]["all_css"], true);
}

TEST_F(BroadcastTest, APageFileReloadsThePageWhateverElseChanged) {
  bus::Refresh both = css(8, {"a.css"});
  both.reload = {"page.html"};
  both.reload_count = 1;
  const Outgoing outgoing = broadcast_.on(tree(3, both));
  EXPECT_EQ(outgoing.official, std::vector{livereload_reload("page.html")});
  EXPECT_EQ(outgoing.why, "page.html and 1 more changed");
  EXPECT_EQ(state()["refresh"]["page"], true);
}

TEST_F(BroadcastTest, AMissedRefreshReloadsThePage) {
  const Outgoing outgoing = broadcast_.on(tree(3, css(9, {"a.css"})));
  EXPECT_EQ(outgoing.official, std::vector{livereload_reload()});
  EXPECT_EQ(state()["refresh"]["count"], 9);
}

// watchd never does that. If it did because of a bug, browsers could have missed a change.
TEST_F(BroadcastTest, ACountThatGoesBackReloadsThePage) {
  const Outgoing outgoing = broadcast_.on(tree(3, css(2, {"a.css"})));
  EXPECT_EQ(outgoing.official, std::vector{livereload_reload()});
  EXPECT_EQ(outgoing.why, "a.css changed");
  EXPECT_EQ(broadcast_.on(tree(3)).official, std::vector{livereload_reload()});
  EXPECT_EQ(state()["refresh"]["count"], 0);
}

TEST_F(BroadcastTest, ANewEpochOfWatchdIsNoReasonToReload) {
  const Outgoing outgoing = broadcast_.on(tree(0, css(1, {"a.css"}), /*epoch=*/10));
  EXPECT_TRUE(outgoing.official.empty());
  EXPECT_EQ(state()["refresh"]["epoch"], 10);
}

// A page with hpp's client would reload because of the changed page file, wait for the restart, and
// be lost if the new backend crashes.
TEST_F(BroadcastTest, ABackendThatIsAboutToBeKilledCountsAsKilled) {
  EXPECT_TRUE(broadcast_.on(tree(4, page(8, "a.html"))).state);
  EXPECT_EQ(state()["state"], "Killing");
  (void)broadcast_.on(backend(Running, 2, 4));
  EXPECT_EQ(state()["state"], "Running");
}

}  // namespace
}  // namespace hpp::proxyd
