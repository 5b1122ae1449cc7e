#include "watchd/watchman/core/pdu.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "watchd/watchman/core/bser.h"
#include "watchd/watchman/core/expression.h"

namespace hpp::watchd::watchman {
namespace {

using Json = nlohmann::json;

const Filter kFilter{.patterns = {"*.py"}, .default_excludes = false};

Json sent(const std::string& bytes) {
  return bser::decode(bytes).value();
}

TEST(WatchmanRequest, WatchProject) {
  EXPECT_EQ(sent(watch_project_request("/a b")), Json::parse(R"(["watch-project", "/a b"])"));
}

TEST(WatchmanRequest, ClockHasATimeoutForItsCookie) {
  EXPECT_EQ(sent(clock_request({.root = "/r"}, Cookie::Wanted)),
            Json::parse(R"(["clock", "/r", {"sync_timeout": 60000}])"));
  EXPECT_EQ(sent(clock_request({.root = "/r"}, Cookie::None)),
            Json::parse(R"(["clock", "/r", {"sync_timeout": 0}])"));
}

TEST(WatchmanRequest, ChangesSinceAClock) {
  EXPECT_EQ(sent(changes_request({.root = "/r"}, "c:1:2", kFilter, Cookie::Wanted)),
            Json({"query",
                  "/r",
                  {{"since", "c:1:2"},
                   {"fields", Json::array({"name", "oclock", "exists", "new"})},
                   {"expression", expression_for(kFilter)},
                   {"empty_on_fresh_instance", true},
                   {"sync_timeout", 60000}}}));
}

TEST(WatchmanRequest, AllFiles) {
  EXPECT_EQ(sent(files_request({.root = "/r"}, kFilter, Cookie::Wanted)),
            Json({"query",
                  "/r",
                  {{"fields", {"name", "oclock", "exists", "new"}},
                   {"expression", expression_for(kFilter)},
                   {"sync_timeout", 60000}}}));
}

TEST(WatchmanRequest, SubscribeBelowTheRoot) {
  EXPECT_EQ(sent(subscribe_request({.root = "/r", .relative_path = "a/b"}, "c:1:2", kFilter)),
            Json({"subscribe",
                  "/r",
                  "hpp",
                  {{"since", "c:1:2"},
                   {"fields", Json::array({"name", "oclock", "exists", "new"})},
                   {"expression", expression_for(kFilter)},
                   {"relative_root", "a/b"}}}));
}

TEST(WatchmanRequest, FlushNamesOurSubscription) {
  EXPECT_EQ(sent(flush_request({.root = "/r", .relative_path = "a"})),
            Json::parse(R"(["flush-subscriptions", "/r",
                            {"sync_timeout": 2000, "subscriptions": ["hpp"]}])"));
}

struct Case {
  const char* name;
  const char* received;
  Pdu expected;
};

// Answers of Watchman 4.9.0, unless a name says otherwise.
const Case kCases[] = {
    {"root", R"({"watcher": "inotify", "version": "4.9.0", "watch": "/r"})",
     ProjectWatched{{.root = "/r"}}},
    {"below the root",
     R"({"watcher": "inotify", "relative_path": "sub", "version": "4.9.0", "watch": "/r"})",
     ProjectWatched{{.root = "/r", .relative_path = "sub"}}},
    {"clock", R"({"clock": "c:1:2:3:4", "version": "4.9.0"})", ClockTold{"c:1:2:3:4"}},
    {"changes",
     R"({"files": [{"name": "a", "oclock": "c:1:2:3:4"}], "clock": "c:1:2:3:4", "version": "4.9.0",
         "is_fresh_instance": false})",
     ChangesTold{{.clock = "c:1:2:3:4", .files = {{{.name = "a"}, "c:1:2:3:4"}}}}},
    {"changes after the clock",
     R"({"files": [{"name": "a", "oclock": "c:1:2:3:6"}, {"name": "b", "oclock": "c:1:2:3:4"}],
         "clock": "c:1:2:3:5", "version": "4.9.0", "is_fresh_instance": false})",
     ChangesTold{{.clock = "c:1:2:3:6",
                  .files = {{{.name = "a"}, "c:1:2:3:6"}, {{.name = "b"}, "c:1:2:3:4"}}}}},
    {"files that are gone, or were not there before",
     R"({"files": [{"name": "a", "exists": false, "new": true},
                   {"name": "b", "exists": true, "new": false}],
         "clock": "c:1:2:3:5"})",
     ChangesTold{{.clock = "c:1:2:3:5",
                  .files = {{{.name = "a", .exists = false, .is_new = true}}, {{.name = "b"}}}}}},
    {"changes with odd clocks",
     R"({"files": [{"name": "a", "oclock": "c:9:2:3:6"}, {"name": "b", "oclock": 6}],
         "clock": "c:1:2:3:5"})",
     ChangesTold{{.clock = "c:1:2:3:5", .files = {{{.name = "a"}, "c:9:2:3:6"}, {{.name = "b"}}}}}},
    {"fresh instance",
     R"({"files": [], "clock": "c:1", "version": "4.9.0", "is_fresh_instance": true})",
     ChangesTold{{.clock = "c:1", .is_fresh_instance = true}}},
    {"changes (2023)",
     R"({"debug": {"cookie_files": ["/r/.watchman-cookie-x"]}, "is_fresh_instance": false,
         "clock": "c:1", "version": "2023.05.01.00", "files": [{"name": "a"}, {"name": "b/c"}]})",
     ChangesTold{{.clock = "c:1", .files = {{{.name = "a"}}, {{.name = "b/c"}}}}}},
    {"subscribed", R"({"clock": "c:1", "version": "4.9.0", "subscribe": "hpp"})",
     Subscribed{"c:1"}},
    {"subscribed (2023)",
     R"({"clock": "c:1", "version": "2023.05.01.00", "subscribe": "hpp", "asserted-states": []})",
     Subscribed{"c:1"}},
    {"files",
     R"({"unilateral": true, "subscription": "hpp", "root": "/r", "is_fresh_instance": false,
         "since": "c:1", "version": "4.9.0", "clock": "c:2",
         "files": [{"name": "a", "oclock": "c:2"}, {"name": "b", "oclock": "c:2"}]})",
     FilesChanged{{.clock = "c:2", .files = {{{.name = "a"}, "c:2"}, {{.name = "b"}, "c:2"}}}}},
    {"no files",
     R"({"unilateral": true, "subscription": "hpp", "root": "/r", "is_fresh_instance": false,
         "version": "4.9.0", "clock": "c:2", "files": []})",
     FilesChanged{{.clock = "c:2"}}},
    {"files of a fresh instance",
     R"({"unilateral": true, "subscription": "hpp", "root": "/r", "is_fresh_instance": true,
         "version": "4.9.0", "clock": "c:2", "files": [{"name": "a"}]})",
     FilesChanged{{.clock = "c:2", .is_fresh_instance = true, .files = {{{.name = "a"}}}}}},
    {"canceled",
     R"({"subscription": "hpp", "canceled": true, "unilateral": true, "version": "4.9.0",
         "root": "/r"})",
     Canceled{}},
    {"state-enter",
     R"({"subscription": "hpp", "unilateral": true, "clock": "c:1", "version": "4.9.0",
         "state-enter": "x", "root": "/r"})",
     Chatter{}},
    {"state-leave",
     R"({"subscription": "hpp", "unilateral": true, "clock": "c:1", "version": "4.9.0",
         "state-leave": "x", "root": "/r"})",
     Chatter{}},
    {"log", R"({"level": "error", "unilateral": true, "log": "crawl complete\n"})", Chatter{}},
    {"flushed, with changes",
     R"({"synced": ["hpp"], "no_sync_needed": [], "dropped": [], "version": "4.9.0"})", Flushed{}},
    {"flushed, nothing to tell",
     R"({"synced": [], "no_sync_needed": ["hpp"], "dropped": [], "version": "4.9.0"})", Flushed{}},
    {"dropped", R"({"synced": [], "no_sync_needed": [], "dropped": ["hpp"], "version": "4.9.0"})",
     Flushed{.is_dropped = true}},
    {"flush that timed out", R"({"error": "sync_timeout expired", "version": "4.9.0"})",
     Refused{"sync_timeout expired"}},
    {"error", R"({"error": "invalid clockspec", "version": "4.9.0"})",
     Refused{"invalid clockspec"}},
    {"error of several lines", R"({"error": "one\ntwo\n", "version": "4.9.0"})",
     Refused{"one two"}},
    {"error (2023)",
     R"({"version": "2023.05.01.00", "error": "RootResolveError: unable to resolve root /r"})",
     Refused{"RootResolveError: unable to resolve root /r"}},
    {"root_restrict_files",
     R"({"version": "4.9.0", "error": "resolve_projpath: none of the files listed in global )"
     R"(config root_files are present in path `/r` or any of its parent directories"})",
     Refused{"resolve_projpath: none of the files listed in global config root_files are present "
             "in path `/r` or any of its parent directories"}},
    {"error that is no text", R"({"error": 5})", Refused{"an error without a message"}},
    // Malformed answers.
    {"no object", "[]", Unknown{"not an object"}},
    {"nothing", "{}", Unknown{"an answer to nothing that was asked"}},
    {"root is a number", R"({"watch": 1})", Unknown{"the answer to watch-project names no root"}},
    {"root is empty", R"({"watch": ""})", Unknown{"the answer to watch-project names no root"}},
    {"relative path is a list", R"({"watch": "/r", "relative_path": []})",
     Unknown{"the answer to watch-project has an odd relative_path"}},
    {"clock is an object", R"({"clock": {"scm": {}}})",
     Unknown{"an answer to nothing that was asked"}},
    {"subscribed without a clock", R"({"subscribe": "hpp"})",
     Unknown{"the answer to subscribe has no clock"}},
    {"changes without a clock", R"({"files": ["a"]})", Unknown{"changes without a clock"}},
    {"files are an object", R"({"clock": "c", "files": {"a": 1}})",
     Unknown{"changes whose files are no list"}},
    {"files have no name", R"({"clock": "c", "files": [{"name": null}]})",
     Unknown{"changes with a file that has no name"}},
    {"files are numbers", R"({"unilateral": true, "subscription": "hpp", "clock": "c",
                              "files": [1]})",
     Unknown{"changes with a file that has no name"}},
    {"flushed without us", R"({"synced": ["x"], "no_sync_needed": [], "dropped": []})",
     Unknown{"the answer to flush-subscriptions leaves ours out"}},
    {"flushed without lists", R"({"synced": 1, "no_sync_needed": {"hpp": 1}})",
     Unknown{"the answer to flush-subscriptions leaves ours out"}},
    {"flushed with odd lists", R"({"synced": [1, null], "dropped": [["hpp"]]})",
     Unknown{"the answer to flush-subscriptions leaves ours out"}},
    {"files of another client's subscription",
     R"({"unilateral": true, "subscription": "x", "files": []})",
     Unknown{"files of a subscription that is not ours"}},
    {"files of a subscription whose name is a number",
     R"({"unilateral": true, "subscription": 1, "files": []})",
     Unknown{"files of a subscription that is not ours"}},
    {"a subscription's message without files", R"({"unilateral": true, "subscription": "hpp"})",
     Unknown{"a subscription's message without files"}},
    {"canceled is a text", R"({"unilateral": true, "subscription": "hpp", "canceled": "no"})",
     Unknown{"a subscription's message without files"}},
};

TEST(WatchmanPdu, IsReadOrItsProblemIsNamed) {
  for (const Case& c : kCases) {
    const Received received = read_pdu(bser::encode(Json::parse(c.received)));
    EXPECT_TRUE(received.pdu == c.expected) << c.name << ": variant " << received.pdu.index();
    EXPECT_EQ(received.warning, "") << c.name;
  }
}

TEST(WatchmanPdu, WarningIsOneLine) {
  const Received received = read_pdu(bser::encode(
      {{"clock", "c:1"}, {"warning", "Recrawled this watch 1 times.\nTo clear, run:\n`x`\n"}}));
  EXPECT_EQ(received.warning, "Recrawled this watch 1 times. To clear, run: `x`");
  EXPECT_TRUE(received.pdu == Pdu(ClockTold{"c:1"}));
}

TEST(WatchmanPdu, KeepsNamesThatAreNotUtf8) {
  const Received received = read_pdu(bser::encode({{"unilateral", true},
                                                   {"subscription", "hpp"},
                                                   {"clock", "c:2"},
                                                   {"files", {{{"name", "\xe4\n.py"}}}}}));
  EXPECT_TRUE(received.pdu ==
              Pdu(FilesChanged{{.clock = "c:2", .files = {{{.name = "\xe4\n.py"}}}}}));
}

TEST(WatchmanPdu, ReadsManyFiles) {
  Json files = Json::array();
  for (int i = 0; i < 50'000; ++i) files.push_back({{"name", "src/file" + std::to_string(i)}});
  const Received received = read_pdu(bser::encode({{"clock", "c:2"}, {"files", files}}));
  EXPECT_EQ(std::get<ChangesTold>(received.pdu).changes.files.size(), 50'000u);
}

TEST(WatchmanPdu, CutsLongErrors) {
  const Received received = read_pdu(bser::encode({{"error", std::string(5000, 'x')}}));
  EXPECT_LT(std::get<Refused>(received.pdu).error.size(), 1100u);
}

TEST(WatchmanPdu, RejectsBytesThatAreNoPdu) {
  for (const std::string bytes : {"", "{}", "\n", "\x01\x02"}) {
    EXPECT_TRUE(read_pdu(bytes).pdu == Pdu(Unknown{"malformed BSER"}));
  }
}

TEST(SocketName, IsReadFromTheOutputOfGetSockname) {
  const struct {
    const char* output;
    SocketName expected;
  } cases[] = {
      {R"({"version": "4.9.0", "sockname": "/tmp/root-state/sock"})",
       {.path = "/tmp/root-state/sock"}},
      {"{\n    \"version\": \"4.9.0\",\n    \"sockname\": \"/s\"\n}\n", {.path = "/s"}},
      {R"({"version": "2023", "sockname": "/s", "unix_domain": "/u"})", {.path = "/u"}},
      {"a line of stderr\n{\"sockname\": \"/s\"}", {.path = "/s"}},
      {R"({"error": "no\nway"})", {.problem = "no way"}},
      {R"({"sockname": 1})", {.problem = "watchman get-sockname names no socket"}},
      {R"({"sockname": ""})", {.problem = "watchman get-sockname names no socket"}},
      {"watchman: cannot connect\n", {.problem = "watchman: cannot connect"}},
      {"2026-11-26T05:00:47,281: [] getpwuid(4242) failed: Success.  I don't know who you are\n"
       "Fatal error detected at:\nwatchman(+0x50317)[0x55]\n",
       {.problem = "getpwuid(4242) failed: Success.  I don't know who you are"}},
      {"2026-11-26T05:00:47,281: [cli] one\ntwo\n2026-11-26T05:00:47,281: [",
       {.problem = "one two 2026-11-26T05:00:47,281: ["}},
      {"", {.problem = "watchman get-sockname prints nothing"}},
      {"{\"sockname\": \"/s\"", {.problem = "{\"sockname\": \"/s\""}},
  };

  for (const auto& c : cases) EXPECT_EQ(read_socket_name(c.output), c.expected) << c.output;
}

}  // namespace
}  // namespace hpp::watchd::watchman
