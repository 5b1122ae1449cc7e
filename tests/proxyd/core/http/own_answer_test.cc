#include "proxyd/core/http/own_answer.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

// A command line of another user's, or what a server printed.
constexpr const char* kHostile =
    "a\x1b]52;c;eA==\x07 \xc2\x9b"
    "31m \u202ez\n";

TEST(OwnAnswer, TextIsSafeForATerminal) {
  const std::string text = write_own({}, "text/plain", kHostile, {});
  EXPECT_TRUE(text.ends_with("\r\n\r\na ?31m ?z\n")) << text;
  EXPECT_NE(text.find("Content-Length: 10\r\n"), std::string::npos) << text;
}

TEST(OwnAnswer, JsonIsSafeForATerminal) {
  const std::string text = write_own({}, "application/json", "{\"x\": \"\xc2\x9b\"}\n", {});
  EXPECT_TRUE(text.ends_with("\r\n\r\n{\"x\": \"\\u009b\"}\n")) << text;
  EXPECT_NE(text.find("Content-Length: 16\r\n"), std::string::npos) << text;
}

class WaitEndpoint : public testing::Test {
 protected:
  std::string answer(Wanted wanted = Wanted::Text) const {
    const RequestFacts request{.is_safe = true, .wanted = wanted};
    return write_endpoint(OwnEndpoint::Wait, request,
                          {.tree = tree_,
                           .backend = backend_,
                           .proxy = proxy_,
                           .history = history_,
                           .defects = defects_});
  }

  bool is_live() const { return answer().starts_with("HTTP/1.1 200 "); }

  std::optional<bus::TreeState> tree_ = bus::TreeState{.watching = true};
  std::optional<bus::BackendState> backend_ =
      bus::BackendState{.state = bus::BackendPhase::Running, .generation = 3};
  bus::ProxyState proxy_;
  History history_;
  DefectRecord defects_;
};

TEST_F(WaitEndpoint, SaysThatTheServerIsLive) {
  EXPECT_TRUE(is_live());
  EXPECT_NE(answer().find("\"generation\": 3"), std::string::npos);
  tree_.reset();
  EXPECT_TRUE(is_live()) << "nobody watches with --assume-running";
}

TEST_F(WaitEndpoint, FailsWithTheReasonIfTheFilesAreNotWatched) {
  tree_->watching = false;
  tree_->problem = "Watchman says: \x1b[31mtoo many directories";
  const std::string text = answer();
  EXPECT_TRUE(text.starts_with("HTTP/1.1 503 ")) << text;
  EXPECT_NE(text.find("Content-Type: text/plain"), std::string::npos) << text;
  EXPECT_NE(text.find("because it does not watch them: Watchman says: "), std::string::npos);
  EXPECT_NE(text.find("too many directories\n"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  const std::string json = answer(Wanted::Json);
  EXPECT_TRUE(json.starts_with("HTTP/1.1 503 ")) << json;
  EXPECT_NE(json.find("\"error\": \"not_watching\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"live\": false"), std::string::npos) << json;
}

TEST_F(WaitEndpoint, FailsWithTheReasonIfTheWatcherDoesNotAnswer) {
  proxy_.problem = "the watcher does not answer";
  EXPECT_FALSE(is_live());
  EXPECT_NE(answer().find("the watcher does not answer"), std::string::npos);
}

TEST_F(WaitEndpoint, ABackendThatHasFailedComesFirst) {
  tree_->watching = false;
  tree_->problem = "no watch";
  backend_->problem = "make failed: exit code 2";
  EXPECT_NE(answer().find("make failed"), std::string::npos);
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
    const std::string answer = write_endpoint(
        endpoint, {},
        {.tree = tree, .backend = backend, .proxy = proxy, .history = history, .defects = defects});
    EXPECT_NE(answer.find(describe(Defect::Folded)), std::string::npos) << answer;
    EXPECT_NE(answer.find("\"last_generation\": 7"), std::string::npos) << answer;
  }
}

}  // namespace
}  // namespace hpp::proxyd
