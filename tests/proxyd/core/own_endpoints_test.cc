#include "proxyd/core/own_endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

using testing::HasSubstr;

using Own = std::variant<NotOwn, OwnRequest, Refused>;

const Address kBind{.host = "dev.example", .port = 8000};

struct Asked {
  std::string method = "GET";
  std::string target = "/__hpp/livereload.js";
  std::string host = "localhost:8000";
  std::string fields;  // complete header lines
  bool peer_is_local = true;
  Address bind = kBind;
};

Own judge(const Asked& asked) {
  const ParsedRequest head(asked.method + ' ' + asked.target + " HTTP/1.1\r\nHost: " + asked.host +
                           "\r\n" + asked.fields + "\r\n");
  const auto facts = judge_request(*head);
  if (!std::holds_alternative<RequestFacts>(facts)) return std::get<Refused>(facts);
  return judge_own(*head, std::get<RequestFacts>(facts),
                   {.ip = "127.0.0.1", .is_local = asked.peer_is_local}, {.bind = asked.bind});
}

int status_of(const Own& own) {
  const auto* const refused = std::get_if<Refused>(&own);
  return refused != nullptr ? refused->status : 0;
}

bool is_script(const Own& own) {
  return own == Own{OwnRequest{.endpoint = OwnEndpoint::LiveReloadScript, .websocket_key = {}}};
}

TEST(OwnEndpoints, OtherPathsBelongToTheBackend) {
  for (const char* target :
       {"/", "/__hpp.html", "/__hppx/status", "/a/__hpp/status", "/?/__hpp/", "/__HPP/",
        "/%5f_hpp/", "http://localhost:8000", "http://localhost:8000?a=/__hpp/"}) {
    EXPECT_EQ(judge({.target = target}), Own{NotOwn{}}) << target;
  }
  EXPECT_EQ(judge({.method = "OPTIONS", .target = "*"}), Own{NotOwn{}});
  EXPECT_EQ(judge({.target = "/", .host = "evil.example", .peer_is_local = false}), Own{NotOwn{}});
}

TEST(OwnEndpoints, AreFoundInEachFormOfTarget) {
  for (const char* target : {"/__hpp/livereload.js", "/__hpp/livereload.js?x=/1",
                             "http://localhost:8000/__hpp/livereload.js"}) {
    EXPECT_TRUE(is_script(judge({.target = target}))) << target;
  }
  EXPECT_EQ(status_of(judge({.target = "/__hpp/nosuch"})), 404);
  EXPECT_EQ(status_of(judge({.target = "/__hpp/livereload.js/"})), 404);
}

TEST(OwnEndpoints, HaveTheirNames) {
  for (const auto& [target, endpoint] : {std::pair{"/__hpp", OwnEndpoint::Home},
                                         {"/__hpp/", OwnEndpoint::Home},
                                         {"/__hpp/status", OwnEndpoint::Status},
                                         {"/__hpp/history", OwnEndpoint::History},
                                         {"/__hpp/wait", OwnEndpoint::Wait}}) {
    EXPECT_EQ(judge({.target = target}),
              (Own{OwnRequest{.endpoint = endpoint, .websocket_key = {}}}))
        << target;
  }
}

TEST(OwnEndpoints, AcceptOnlyGetAndHead) {
  EXPECT_TRUE(is_script(judge({.method = "HEAD"})));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    EXPECT_EQ(status_of(judge({.method = method})), 405) << method;
  }
}

TEST(OwnEndpoints, TheEditorIsOpenedOnlyForAPageOfHppOrAProgram) {
  const auto post = [](const std::string& fields, const char* method = "POST") {
    return judge({.method = method, .target = "/__hpp/open-editor", .fields = fields});
  };
  EXPECT_EQ(post("Origin: http://localhost:8000\r\n"),
            Own(OwnRequest{.endpoint = OwnEndpoint::OpenEditor, .websocket_key = {}}));
  EXPECT_EQ(status_of(post("Origin: http://evil.example\r\n")), 403);
  EXPECT_EQ(status_of(post("Sec-Fetch-Site: cross-site\r\n")), 403);
  EXPECT_EQ(status_of(post("", "GET")), 405);
  EXPECT_EQ(
      status_of(judge({.method = "POST", .target = "/__hpp/open-editor", .peer_is_local = false})),
      403);
}

TEST(OwnEndpoints, ARestartIsAcceptedOnlyFromAPageOfHppOrAProgram) {
  const auto post = [](const std::string& fields, const char* method = "POST") {
    return judge({.method = method, .target = "/__hpp/restart", .fields = fields});
  };
  const Own accepted{OwnRequest{.endpoint = OwnEndpoint::Restart, .websocket_key = {}}};
  const std::string ours = "Origin: http://localhost:8000\r\n";
  EXPECT_EQ(post(""), accepted) << "curl sends neither field";
  EXPECT_EQ(post(ours), accepted);
  EXPECT_EQ(post(ours + "Sec-Fetch-Site: same-origin\r\nContent-Length: 0\r\n"), accepted);
  for (const char* const fields :
       {"Origin: http://evil.example\r\n", "Origin: null\r\n", "Origin: http://localhost:3000\r\n",
        "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: none\r\n",
        "Origin: http://localhost:8000\r\nSec-Fetch-Site: cross-site\r\n"}) {
    EXPECT_EQ(status_of(post(fields)), 403) << fields;
  }
  EXPECT_EQ(status_of(judge({.method = "POST",
                             .target = "/__hpp/restart",
                             .host = "evil.example:8000",
                             .fields = "Origin: http://evil.example:8000\r\n"})),
            403)
      << "a name that was made to point here (DNS rebinding)";
  EXPECT_EQ(
      status_of(judge({.method = "POST", .target = "/__hpp/restart", .peer_is_local = false})),
      403);
  for (const char* const target : {"/__hpp/pause", "/__hpp/resume"}) {
    EXPECT_EQ(status_of(judge({.method = "POST", .target = target})), 0);
    EXPECT_EQ(status_of(judge({.target = target})), 405);
    EXPECT_EQ(
        status_of(judge(
            {.method = "POST", .target = target, .fields = "Origin: http://evil.example\r\n"})),
        403);
  }
  for (const char* const method : {"GET", "HEAD", "PUT", "OPTIONS"}) {
    const Own own = post(ours, method);
    EXPECT_EQ(status_of(own), 405) << method;
    EXPECT_EQ(std::get<Refused>(own).allow, "POST");
  }
}

TEST(OwnEndpoints, OfKeptRequestsHaveANumber) {
  using enum OwnEndpoint;
  for (const auto& [target, endpoint, number] : {std::tuple{"/__hpp/requests", Requests, 0U},
                                                 {"/__hpp/requests.har", Archive, 0U},
                                                 {"/__hpp/requests/12", Request, 12U},
                                                 {"/__hpp/log", Log, 0U},
                                                 {"/__hpp/log?after=34", Log, 34U},
                                                 {"/__hpp/log?after=x", Log, 0U},
                                                 {"/__hpp/log?before=34", Log, 0U},
                                                 {"/__hpp/history?after=34", History, 0U}}) {
    EXPECT_EQ(judge({.target = target}), (Own{OwnRequest{.endpoint = endpoint, .number = number}}))
        << target;
  }
  for (const auto& [target, endpoint] : {std::pair{"/__hpp/requests/12/send", SendAgain},
                                         {"/__hpp/requests/12/repeat", Repeat},
                                         {"/__hpp/requests/12/once", SendOnce}}) {
    EXPECT_EQ(judge({.method = "POST", .target = target}),
              (Own{OwnRequest{.endpoint = endpoint, .number = 12}}));
    EXPECT_EQ(status_of(judge({.target = target})), 405);
    EXPECT_EQ(
        status_of(judge(
            {.method = "POST", .target = target, .fields = "Origin: http://evil.example\r\n"})),
        403);
  }
  for (const char* const target :
       {"/__hpp/requests/", "/__hpp/requests/x", "/__hpp/requests/1x", "/__hpp/requests/-1",
        "/__hpp/requests/12/", "/__hpp/requests/12/drop", "/__hpp/requests/12/send/x",
        "/__hpp/requests/99999999999999999999"}) {
    EXPECT_EQ(status_of(judge({.target = target})), 404) << target;
  }
}

TEST(OwnEndpoints, AreOnlyForThisMachine) {
  const Own own = judge({.peer_is_local = false});
  EXPECT_EQ(status_of(own), 403);
  EXPECT_THAT(std::get<Refused>(own).why, HasSubstr("another address"));
}

TEST(OwnEndpoints, NeedAHostOfThisProxy) {
  for (const char* host : {"localhost:8000", "LocalHost:8000", "127.0.0.1:8000", "[::1]:8000",
                           "dev.example:8000", "tenant.localhost:8000"}) {
    EXPECT_TRUE(is_script(judge({.host = host}))) << host;
  }
  for (const char* host :
       {"localhost", "localhost:", "localhost:80", "localhost:8001", "localhost:80000",
        "evil.example:8000", "localhost.evil.example:8000", "evillocalhost:8000", ".localhost:8000",
        "127.0.0.1.evil.example:8000", "[::2]:8000", "::1:8000", "127.0.0.2:8000", "dev.example",
        "xdev.example:8000", ""}) {
    EXPECT_NE(status_of(judge({.host = host})), 0) << host;
  }
  const Own own = judge({.host = "evil.example:8000"});
  EXPECT_EQ(status_of(own), 403);
  EXPECT_THAT(std::get<Refused>(own).why, HasSubstr("evil.example:8000"));
  EXPECT_THAT(std::get<Refused>(own).why, HasSubstr("localhost:8000"));
}

TEST(OwnEndpoints, ATrustedNameGetsOnlyWhatPagesNeed) {
  const auto status = [](const std::string& target, const std::string& method = "GET") {
    const ParsedRequest head(method + ' ' + target + " HTTP/1.1\r\nHost: app.example.dev\r\n\r\n");
    return status_of(judge_own(*head, std::get<RequestFacts>(judge_request(*head)),
                               {.ip = "127.0.0.1", .is_local = true},
                               {.bind = kBind, .trusted_host = "app.example.dev"}));
  };
  for (const char* const target : {"/__hpp/livereload.js", "/__hpp/status", "/__hpp/wait"}) {
    EXPECT_EQ(status(target), 0) << target;
  }
  EXPECT_EQ(status("/__hpp/restart", "POST"), 0);
  for (const char* const target : {"/__hpp/", "/__hpp/history", "/__hpp/log", "/__hpp/requests",
                                   "/__hpp/requests/1", "/__hpp/requests.har"}) {
    EXPECT_EQ(status(target), 403) << target;
  }
  EXPECT_EQ(status("/__hpp/requests/1/send", "POST"), 403);
}

TEST(OwnEndpoints, TheLanGetsTheOutputToo) {
  const auto status = [](const std::string& target, const std::string& host) {
    const ParsedRequest head("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return status_of(judge_own(*head, std::get<RequestFacts>(judge_request(*head)),
                               {.ip = "192.168.1.7", .is_local = false},
                               {.bind = kBind, .trusted_host = "app.dev", .has_lan = true}));
  };
  EXPECT_EQ(status("/__hpp/log", "192.168.1.5:8000"), 0);
  EXPECT_EQ(status("/__hpp/wait", "192.168.1.5:8000"), 0);
  EXPECT_EQ(status("/__hpp/requests", "192.168.1.5:8000"), 403);
  EXPECT_EQ(status("/__hpp/wait", "app.dev"), 0);
  EXPECT_EQ(status("/__hpp/log", "app.dev"), 403) << "a program there may serve everyone";
}

TEST(OwnEndpoints, TheSchemesDefaultPortMayBeOmitted) {
  const Address bind{.host = "::", .port = 80};
  for (const char* host : {"localhost", "localhost:80", "[::1]", "[::]"}) {
    EXPECT_TRUE(is_script(judge({.host = host, .bind = bind}))) << host;
  }
  EXPECT_EQ(status_of(judge({.host = "localhost:8000", .bind = bind})), 403);
}

TEST(OwnEndpoints, TheWebSocketIsOpenedByItsHandshake) {
  const std::string handshake =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const auto open = [&](const std::string& more, const std::string& host = "localhost:8000") {
    return judge(
        {.target = "/__hpp/livereload", .host = host, .fields = handshake + version + more});
  };
  const Own opened{OwnRequest{.endpoint = OwnEndpoint::LiveReload, .websocket_key = "abc"}};
  EXPECT_EQ(open(""), opened);
  EXPECT_EQ(open("Origin: http://localhost:8000\r\n"), opened);
  EXPECT_EQ(open("Origin: http://[::1]:8000\r\n", "[::1]:8000"), opened);
  for (const char* origin : {"http://evil.example", "http://localhost", "http://localhost:8001",
                             "http://127.0.0.1:8000", "null", "localhost:8000"}) {
    EXPECT_EQ(status_of(open("Origin: " + std::string(origin) + "\r\n")), 403) << origin;
  }
  EXPECT_EQ(status_of(open("", "evil.example:8000")), 403);
  EXPECT_EQ(status_of(open("Content-Length: 1\r\n")), 426);
  EXPECT_EQ(status_of(judge({.target = "/__hpp/livereload"})), 426);
  EXPECT_EQ(status_of(judge({.target = "/__hpp/livereload",
                             .fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n"})),
            426);
}

// RFC 6455 §4.4.
TEST(OwnEndpoints, TheWebSocketNeedsVersion13) {
  for (const char* const version :
       {"", "Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 14\r\n",
        "Sec-WebSocket-Version: 13, 8\r\n", "Sec-WebSocket-Version:\r\n"}) {
    const std::string fields =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n";
    EXPECT_EQ(status_of(judge({.target = "/__hpp/livereload", .fields = fields + version})), 426)
        << version;
  }
}

// RFC 9110 §7.6.2.
TEST(MaxForwards, ZeroIsAnsweredByHpp) {
  const std::string zero = "Max-Forwards: 0\r\n";
  for (const char* const target : {"/", "*", "/__hpp/status"}) {
    const Own own = judge({.method = "OPTIONS", .target = target, .fields = zero});
    EXPECT_EQ(own, Own{OwnRequest{.endpoint = OwnEndpoint::Options}}) << target;
  }
  EXPECT_EQ(status_of(judge({.method = "TRACE", .target = "/", .fields = zero})), 501);
  EXPECT_EQ(judge({.method = "GET", .target = "/", .fields = zero}), Own{NotOwn{}});
  for (const char* const value : {"1", "x", ""}) {
    const std::string fields = std::string("Max-Forwards: ") + value + "\r\n";
    EXPECT_EQ(judge({.method = "OPTIONS", .target = "/", .fields = fields}), Own{NotOwn{}});
    EXPECT_EQ(judge({.method = "TRACE", .target = "/", .fields = fields}), Own{NotOwn{}});
  }
}

}  // namespace
}  // namespace hpp::proxyd
