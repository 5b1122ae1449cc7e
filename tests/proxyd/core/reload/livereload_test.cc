#include "proxyd/core/reload/livereload.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxyd/embedded.h"

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;
using enum bus::BackendPhase;

// Feeds states of the backend to the rule. Returns for each state whether browsers reload.
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

TEST(LiveReload, DoesNotReloadForAFailedRestart) {
  EXPECT_EQ(reloads({{Running, 1}, {Killing, 1}, {Loading, 2}, {Error, 2}}),
            (std::vector<bool>{false, true, false, false}));
}

TEST(LiveReload, ReloadsEvenIfStatesWereMissed) {
  EXPECT_EQ(reloads({{Running, 1}, {Running, 1}, {Running, 2}, {Error, 3}, {Error, 4}}),
            (std::vector<bool>{false, false, true, true, true}));
}

// Runs `action` on a stack of 128 KiB.
void on_small_stack(std::function<void()> action) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 128 * 1024), 0);
  pthread_t thread{};
  const auto run = [](void* what) -> void* {
    (*static_cast<std::function<void()>*>(what))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &action), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(LiveReload, ADeeplyNestedHelloDoesNotOverflowTheStack) {
  const std::size_t depth = (kLiveReloadMessageMax - 100) / 2;
  const std::string nest = std::string(depth, '[') + std::string(depth, ']');
  const std::string in_protocols = R"({"command":"hello","protocols":)" + nest + '}';
  const std::string in_command = R"({"protocols":["hpp-1"],"command":)" + nest + '}';
  ASSERT_LE(in_protocols.size(), kLiveReloadMessageMax);
  std::optional<Dialect> first;
  std::optional<Dialect> second = Dialect::Own;
  on_small_stack([&] {
    first = read_livereload_hello(in_protocols);
    second = read_livereload_hello(in_command);
  });
  EXPECT_EQ(first, Dialect::Official);
  EXPECT_EQ(second, std::nullopt);
}

TEST(LiveReload, ReadsAHelloAndItsDialect) {
  for (const char* text :
       {R"({"command":"hello","protocols":["x"]})", R"({"command":"hello"})",
        R"({"command":"hello","protocols":null})", R"({"command":"hello","protocols":{"a":[]}})",
        R"({"command":"hello","protocols":["hpp-10","hpp"]})"}) {
    EXPECT_EQ(read_livereload_hello(text), Dialect::Official) << text;
  }
  EXPECT_EQ(read_livereload_hello(R"({"command":"hello","protocols":["x","hpp-1"]})"),
            Dialect::Own);
  for (const char* text :
       {R"({"command":"info"})", R"({"command":7})", "{}", "[]", "hello", "", "{"}) {
    EXPECT_EQ(read_livereload_hello(text), std::nullopt) << text;
  }
}

TEST(LiveReload, ReadsAReport) {
  EXPECT_EQ(read_refresh_report(R"({"command":"refreshed","epoch":9,"count":4,"how":"swapped"})"),
            (RefreshReport{.point = {.epoch = 9, .count = 4}, .how = RefreshReport::How::Swapped}));
  EXPECT_EQ(
      read_refresh_report(R"({"command":"refreshed","epoch":9,"count":4,"how":"reloaded"})"),
      (RefreshReport{.point = {.epoch = 9, .count = 4}, .how = RefreshReport::How::Reloaded}));
  EXPECT_EQ(
      read_refresh_report(R"({"command":"refreshed","epoch":9,"count":4,"how":"unaffected"})"),
      (RefreshReport{.point = {.epoch = 9, .count = 4}, .how = RefreshReport::How::Unaffected}));
  for (const char* text :
       {R"({"command":"refreshed","epoch":9,"count":4,"how":"x"})",
        R"({"command":"refreshed","epoch":9,"count":4})",
        R"({"command":"refreshed","epoch":-9,"count":4,"how":"swapped"})",
        R"({"command":"refreshed","epoch":9,"count":"4","how":"swapped"})",
        R"({"command":"hello","epoch":9,"count":4,"how":"swapped"})",
        R"({"command":["refreshed"],"epoch":9,"count":4,"how":["swapped"]})", "[]", "", "{"}) {
    EXPECT_EQ(read_refresh_report(text), std::nullopt) << text;
  }
}

TEST(LiveReload, SpeaksProtocol7) {
  const auto hello = Json::parse(livereload_hello(Dialect::Official));
  EXPECT_EQ(hello["command"], "hello");
  EXPECT_EQ(hello["protocols"], Json({"http://livereload.com/protocols/official-7"}));
  const auto reload = Json::parse(livereload_reload("a/b.png"));
  EXPECT_EQ(reload, Json::parse(R"({"command": "reload", "path": "a/b.png", "liveCSS": false,
                                    "liveImg": false})"));
}

TEST(LiveReload, OffersHppsProtocolToItsOwnClients) {
  const auto hello = Json::parse(livereload_hello(Dialect::Own));
  EXPECT_EQ(hello["protocols"], Json({"http://livereload.com/protocols/official-7", "hpp-1"}));
}

TEST(LiveReload, NamesAStyleSheetByTheExtensionOfItsUrl) {
  const std::pair<const char*, const char*> cases[] = {
      {"s/a.css", "s/a.css"},  {"s/a.min.css", "s/a.min.css"},
      {"s/a.scss", "s/a.css"}, {"s.d/a", "s.d/a.css"},
      {"*.css", "*.css"},      {"\xff.css", "\xef\xbf\xbd.css"}};
  for (const auto& [path, url] : cases) {
    const auto message = Json::parse(livereload_css(path));
    EXPECT_EQ(message, Json({{"command", "reload"}, {"path", url}, {"liveCSS", true}}));
  }
}

TEST(LiveReload, OnlyPagesOfThisMachineAreLocal) {
  for (const char* origin :
       {"", "http://localhost:8000", "https://localhost", "http://127.0.0.1:80",
        "http://[::1]:8000", "http://[::1]", "http://a.b.localhost:1"}) {
    EXPECT_TRUE(is_local_origin(origin)) << origin;
  }
  for (const char* origin :
       {"null", "http://example.org", "http://localhost.example.org:8000", "http://127.0.0.1.a:1",
        "http://evillocalhost", "localhost", "http://", "http://[::1].a:1"}) {
    EXPECT_FALSE(is_local_origin(origin)) << origin;
  }
}

TEST(LiveReload, HasAScript) {
  EXPECT_NE(kLiveReloadScript.find("new WebSocket("), std::string_view::npos);
  EXPECT_TRUE(kLiveReloadScript.ends_with("})();\n"));
}

}  // namespace
}  // namespace hpp::proxyd
