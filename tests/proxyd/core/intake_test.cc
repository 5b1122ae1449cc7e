#include "proxyd/core/intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hpp::proxyd {
namespace {

using testing::HasSubstr;
using testing::Not;

const Peer kDeveloper{.ip = "127.0.0.1", .is_local = true};
const Peer kStranger{.ip = "192.0.2.7", .is_local = false};
const IntakeRules kRules{.access = {.bind = {.host = "localhost", .port = 8000}}, .injects = true};

std::variant<Intake, RequestRefused> take(const std::string& text, const Peer& peer = kDeveloper,
                                          const IntakeRules& rules = kRules) {
  RequestParser parser;
  parser.start();
  const HeadResult result = parser.read_head(text);
  EXPECT_TRUE(std::holds_alternative<HeadRead>(result)) << text;
  return take_in(parser.head(), peer, rules, "localhost:8001");
}

Intake taken(const std::string& text, const Peer& peer = kDeveloper,
             const IntakeRules& rules = kRules) {
  return std::get<Intake>(take(text, peer, rules));
}

RequestRefused refused(const std::string& text, const Peer& peer = kDeveloper) {
  return std::get<RequestRefused>(take(text, peer));
}

constexpr const char* kPage =
    "GET /a HTTP/1.1\r\nHost: localhost:8000\r\nSec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n";

TEST(Intake, KnowsTheRequestsOfThisMachine) {
  const auto is_from_here = [](const std::string& host, const Peer& peer = kDeveloper) {
    return taken("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", peer).facts.is_from_here;
  };
  EXPECT_TRUE(is_from_here("localhost:8000"));
  EXPECT_FALSE(is_from_here("evil.example:8000"));
  EXPECT_FALSE(is_from_here("localhost:8000", kStranger));
}

TEST(Intake, WritesTheHeadForTheBackend) {
  const Intake intake = taken("GET /a HTTP/1.0\r\n\r\n", kStranger);
  EXPECT_TRUE(intake.head.starts_with("GET /a HTTP/1.1\r\n")) << intake.head;
  EXPECT_THAT(intake.head, HasSubstr("Host: localhost:8001\r\n"));
  EXPECT_THAT(intake.head, HasSubstr("192.0.2.7"));
  EXPECT_EQ(intake.facts.minor, 0);
  EXPECT_TRUE(intake.is_judged());
  EXPECT_FALSE(intake.own);
}

TEST(Intake, APageIsRequestedWithoutCompression) {
  const Intake page = taken(kPage);
  EXPECT_TRUE(page.page);
  EXPECT_THAT(page.head, Not(HasSubstr("gzip")));
}

TEST(Intake, APageWithoutTheScriptIsRequestedUnchanged) {
  IntakeRules without = kRules;
  without.injects = false;
  for (const Intake& page : {taken(kPage, kStranger), taken(kPage, kDeveloper, without)}) {
    EXPECT_FALSE(page.page);
    EXPECT_THAT(page.head, HasSubstr("gzip"));
  }
}

TEST(Intake, ARequestIsConditionalOnlyOnItsOwnVariant) {
  const auto head = [](std::string page, const std::string& tag, const Peer& peer = kDeveloper,
                       const IntakeRules& rules = kRules) {
    page.insert(page.find("Accept:"), "If-None-Match: " + tag + "\r\n");
    return taken(page, peer, rules).head;
  };
  const std::string tagged = "W/\"v1-hpp\"";
  EXPECT_THAT(head(kPage, tagged), HasSubstr("If-None-Match: W/\"v1\"\r\n"));
  EXPECT_THAT(head(kPage, "\"v1\""), Not(HasSubstr("If-None-Match")));
  EXPECT_THAT(head(kPage, "\"v1\"", kStranger), HasSubstr("If-None-Match: \"v1\"\r\n"));
  EXPECT_THAT(head(kPage, tagged, kStranger), Not(HasSubstr("If-None-Match")));
  IntakeRules without = kRules;
  without.injects = false;
  EXPECT_THAT(head(kPage, tagged, kDeveloper, without), HasSubstr(tagged));
}

TEST(Intake, KnowsWhichAnswersHaveVariants) {
  const std::string fetch = "GET / HTTP/1.1\r\nHost: localhost:8000\r\nSec-Fetch-Dest: ";
  EXPECT_TRUE(taken(kPage).has_variants);
  EXPECT_TRUE(taken(fetch + "empty\r\n\r\n").has_variants);
  EXPECT_FALSE(taken(fetch + "image\r\n\r\n").has_variants);
  EXPECT_FALSE(taken(fetch + "empty\r\n\r\n", kStranger).has_variants);
  IntakeRules without = kRules;
  without.injects = false;
  EXPECT_FALSE(taken(kPage, kDeveloper, without).has_variants);
}

TEST(Intake, ARequestForHppItselfWaitsAtTheGateIfItsEndpointDoes) {
  const Intake status = taken("GET /__hpp/status HTTP/1.1\r\nHost: localhost:8000\r\n\r\n");
  EXPECT_EQ(status.own, (OwnRequest{.endpoint = OwnEndpoint::Status, .websocket_key = {}}));
  EXPECT_FALSE(status.is_judged());
  EXPECT_TRUE(taken("GET /__hpp/wait HTTP/1.1\r\nHost: localhost:8000\r\n\r\n").is_judged());
}

// A page of another site can send requests to this machine. If its name was made to point here, it
// can read the answers, but then Host has that name.
TEST(Intake, OnlyRequestsFromThisMachineWithItsNameMaySeeErrors) {
  const auto may_see = [](const std::string& host, const Peer& peer) {
    return taken("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", peer).facts.may_see_errors;
  };
  EXPECT_TRUE(may_see("localhost:8000", kDeveloper));
  EXPECT_TRUE(may_see("shop.localhost:8000", kDeveloper));
  EXPECT_TRUE(may_see("localhost:9000", kDeveloper)) << "a tunnel";
  EXPECT_TRUE(taken("GET / HTTP/1.0\r\n\r\n").facts.may_see_errors);
  EXPECT_FALSE(may_see("evil.example:8000", kDeveloper));
  EXPECT_FALSE(may_see("localhost:8000", kStranger));
}

TEST(Intake, APageUnderAnUnknownNameGetsANoticeInsteadOfTheScript) {
  std::string text = kPage;
  text.replace(text.find("localhost:8000"), 14, "app.example.dev");
  const Intake page = taken(text);
  EXPECT_FALSE(page.page);
  ASSERT_TRUE(page.notice);
  EXPECT_EQ(page.notice->about, "app.example.dev");
  IntakeRules trusting = kRules;
  trusting.access.trusted_host = "app.example.dev";
  EXPECT_TRUE(taken(text, kDeveloper, trusting).page);
  EXPECT_FALSE(taken(text, kDeveloper, trusting).notice);
  EXPECT_FALSE(taken(kPage).notice);
}

TEST(Intake, AScriptThatMayNotConnectGetsANotice) {
  const auto notice = [](const std::string& target, const std::string& fields = "") {
    return taken("GET " + target + " HTTP/1.1\r\nHost: localhost:8000\r\n" + fields + "\r\n")
        .notice;
  };
  const auto told =
      notice("/__hpp/livereload.js?forbidden", "Referer: http://localhost:8000/a\r\n");
  ASSERT_TRUE(told);
  EXPECT_THAT(told->text,
              HasSubstr("Content-Security-Policy of 'http://localhost:8000/a' does not"));
  EXPECT_THAT(notice("/__hpp/livereload.js?forbidden")->text, HasSubstr("of a page does not"));
  EXPECT_FALSE(notice("/__hpp/livereload.js"));
  EXPECT_FALSE(notice("/a?forbidden"));
}

TEST(Intake, ARefusedWebSocketGetsANotice) {
  const RequestRefused foreign = refused(
      "GET /__hpp/livereload HTTP/1.1\r\nHost: localhost:8000\r\nConnection: Upgrade\r\n"
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n"
      "Origin: https://app.example.dev\r\n\r\n");
  EXPECT_EQ(foreign.status, 403);
  ASSERT_TRUE(foreign.notice);
  EXPECT_EQ(foreign.notice->about, "app.example.dev");
  EXPECT_FALSE(refused("GET /__hpp/nosuch HTTP/1.1\r\nHost: localhost:8000\r\n\r\n").notice);
}

TEST(Intake, ARefusalHasTheFactsOfTheRequest) {
  const RequestRefused malformed = refused("HEAD / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(malformed.status, 400);
  EXPECT_TRUE(malformed.facts.is_head);
  const RequestRefused foreign =
      refused("HEAD /__hpp/ HTTP/1.1\r\nHost: localhost:8000\r\n\r\n", kStranger);
  EXPECT_EQ(foreign.status, 403);
  EXPECT_TRUE(foreign.facts.is_head);
}

}  // namespace
}  // namespace hpp::proxyd
