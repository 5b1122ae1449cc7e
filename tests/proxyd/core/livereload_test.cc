#include "proxyd/core/livereload.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace hpp::proxyd {
namespace {

using enum bus::BackendPhase;

// Plays states of the backend; returns for each whether browsers reload.
std::vector<bool> reloads(const std::vector<std::pair<bus::BackendPhase, std::uint64_t>>& states) {
  RefreshRule rule;
  std::vector<bool> result;
  for (const auto& [state, generation] : states) {
    result.push_back(rule.on({.state = state, .generation = generation}));
  }
  return result;
}

TEST(LiveReload, ReloadsWhenAChangeKillsTheBackend) {
  EXPECT_EQ(reloads({{Loading, 1}, {Running, 1}, {Killing, 1}, {Loading, 2}, {Running, 2}}),
            (std::vector<bool>{false, false, true, false, false}));
}

TEST(LiveReload, ReloadsIntoAnErrorAndOutOfIt) {
  EXPECT_EQ(reloads({{Running, 1}, {Error, 1}, {Loading, 2}, {Running, 2}}),
            (std::vector<bool>{false, true, true, false}));
}

TEST(LiveReload, AFailedRestartIsSeenByTheRequestThatWaits) {
  EXPECT_EQ(reloads({{Running, 1}, {Killing, 1}, {Loading, 2}, {Error, 2}}),
            (std::vector<bool>{false, true, false, false}));
}

TEST(LiveReload, NewsThatTheBusLostDoesNotMatter) {
  EXPECT_EQ(reloads({{Running, 1}, {Running, 1}, {Running, 2}, {Error, 3}, {Error, 4}}),
            (std::vector<bool>{false, false, true, true, true}));
}

TEST(LiveReload, KnowsAHello) {
  EXPECT_TRUE(is_livereload_hello(R"({"command":"hello","protocols":["x"]})"));
  for (const char* text :
       {R"({"command":"info"})", R"({"command":7})", "{}", "[]", "hello", "", "{"}) {
    EXPECT_FALSE(is_livereload_hello(text)) << text;
  }
}

TEST(LiveReload, SpeaksProtocol7) {
  const auto hello = nlohmann::json::parse(livereload_hello());
  EXPECT_EQ(hello["command"], "hello");
  EXPECT_EQ(hello["protocols"][0], "http://livereload.com/protocols/official-7");
  const auto reload = nlohmann::json::parse(livereload_reload());
  EXPECT_EQ(reload["command"], "reload");
  EXPECT_TRUE(reload["path"].is_string());
}

}  // namespace
}  // namespace hpp::proxyd
