#include "proxyd/core/pages/own_pages.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

class WaitEndpoint : public testing::Test {
 protected:
  OwnAnswer answer(Wanted wanted = Wanted::Text) const {
    const RequestFacts request{.is_safe = true, .wanted = wanted};
    return endpoint_answer({OwnEndpoint::Wait}, request,
                           {.tree = tree_,
                            .backend = backend_,
                            .proxy = proxy_,
                            .history = history_,
                            .defects = defects_,
                            .records = {},
                            .output = {}});
  }

  bool is_live() const { return answer().status == 200; }

  std::optional<bus::TreeState> tree_ = bus::TreeState{.watching = true};
  std::optional<bus::BackendState> backend_ =
      bus::BackendState{.state = bus::BackendPhase::Running, .generation = 3};
  bus::ProxyState proxy_;
  History history_;
  DefectRecord defects_;
};

TEST_F(WaitEndpoint, SaysThatTheServerIsLive) {
  EXPECT_TRUE(is_live());
  EXPECT_NE(answer().body.find("\"generation\": 3"), std::string::npos);
  tree_.reset();
  EXPECT_TRUE(is_live()) << "with --assume-running, there is no watcher";
}

TEST_F(WaitEndpoint, SaysHowFarTheWatcherMayBeBehind) {
  tree_->lag_ms = 3000;
  EXPECT_TRUE(is_live());
  EXPECT_NE(answer().body.find("\"lag_ms\": 3000"), std::string::npos) << answer().body;
}

TEST_F(WaitEndpoint, FailsWithTheReasonIfTheFilesAreNotWatched) {
  tree_->watching = false;
  tree_->problem = "Watchman says: \x1b[31mtoo many directories";
  const auto [status, type, text, generation, paused, nonce, allow] = answer();
  EXPECT_EQ(status, 503);
  EXPECT_EQ(type, "text/plain");
  EXPECT_EQ(generation, 3);
  EXPECT_EQ(paused, "");
  EXPECT_NE(text.find("because it does not watch them: Watchman says: "), std::string::npos);
  EXPECT_NE(text.find("too many directories\n"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  const std::string json = answer(Wanted::Json).body;
  EXPECT_NE(json.find("\"reason\": \"not_watching\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"live\": false"), std::string::npos) << json;
}

TEST_F(WaitEndpoint, FailsIfAChangeWasOnlyNoted) {
  backend_->paused = true;
  EXPECT_TRUE(is_live());
  backend_->noted = {.epoch = 1, .revision = 2};
  EXPECT_FALSE(is_live());
  EXPECT_EQ(answer().paused, "stale");
  const std::string json = answer(Wanted::Json).body;
  EXPECT_NE(json.find("\"reason\": \"paused\""), std::string::npos) << json;
}

TEST_F(WaitEndpoint, FailsWithTheReasonIfTheWatcherDoesNotAnswer) {
  proxy_.problem = "hpp-watchd does not answer";
  EXPECT_FALSE(is_live());
  EXPECT_NE(answer().body.find("hpp-watchd does not answer"), std::string::npos);
}

TEST_F(WaitEndpoint, AFailedBackendComesBeforeAWatcherProblem) {
  tree_->watching = false;
  tree_->problem = "no watch";
  backend_->problem = "make failed: exit code 2";
  EXPECT_NE(answer().body.find("make failed"), std::string::npos);
}

TEST(StatusAndHistory, NameTheDefectsOfAnswers) {
  const std::optional<bus::TreeState> tree;
  const std::optional<bus::BackendState> backend;
  const bus::ProxyState proxy;
  const History history;
  DefectRecord defects;
  Defects met;
  met.add(Defect::Folded);
  defects.add(met, "GET /\xff", 7);
  for (const OwnEndpoint endpoint : {OwnEndpoint::Status, OwnEndpoint::History}) {
    const std::string answer = endpoint_answer({endpoint}, {},
                                               {.tree = tree,
                                                .backend = backend,
                                                .proxy = proxy,
                                                .history = history,
                                                .defects = defects,
                                                .records = {},
                                                .output = {}})
                                   .body;
    EXPECT_NE(answer.find(describe(Defect::Folded)), std::string::npos) << answer;
    EXPECT_NE(answer.find("\"last_generation\": 7"), std::string::npos) << answer;
  }
}

TEST(RestartEndpoint, NeedsASupervisor) {
  std::optional<bus::BackendState> backend;
  const auto answer = [&] {
    return endpoint_answer({OwnEndpoint::Restart}, {},
                           {.tree = {},
                            .backend = backend,
                            .proxy = {},
                            .history = {},
                            .defects = {},
                            .records = {},
                            .output = {}});
  };
  EXPECT_EQ(answer().status, 503);
  backend = bus::BackendState{.generation = 3};
  EXPECT_EQ(answer().status, 202);
  EXPECT_NE(answer().body.find("\"generation\": 3"), std::string::npos);
}

TEST(HomePage, HasItsPartsInPlace) {
  const std::optional<bus::TreeState> tree;
  const std::optional<bus::BackendState> backend;
  const OwnAnswer answer = endpoint_answer({OwnEndpoint::Home}, {},
                                           {.tree = tree,
                                            .backend = backend,
                                            .proxy = {},
                                            .history = {},
                                            .defects = {},
                                            .records = {},
                                            .output = {},
                                            .nonce = "abc"});
  EXPECT_EQ(answer.type, "text/html");
  EXPECT_EQ(answer.nonce, "abc");
  EXPECT_NE(answer.body.find("<script nonce=\"abc\">\nconst tones = {"), std::string::npos);
  EXPECT_NE(answer.body.find("<style>\n:root{color-scheme:light dark;"), std::string::npos);
  EXPECT_NE(answer.body.find("<style>\n.counts{"), std::string::npos);
}

}  // namespace
}  // namespace hpp::proxyd
