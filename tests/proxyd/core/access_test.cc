#include "proxyd/core/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

using testing::HasSubstr;

const Peer kLocal{.ip = "127.0.0.1", .is_local = true};
const Peer kPhone{.ip = "192.168.1.7"};
const Peer kFar{.ip = "203.0.113.9"};
const AccessRules kPlain{.bind = {.host = "localhost", .port = 8000}};
const AccessRules kTrusting{.bind = {.host = "localhost", .port = 8000},
                            .trusted_host = "app.example.dev"};
const AccessRules kLan{.bind = {.host = "localhost", .port = 8000}, .has_lan = true};

struct Asked {
  std::string host = "localhost:8000";
  std::string origin;  // empty: no such field
};

std::string text_of(const Asked& asked) {
  return "GET / HTTP/1.1\r\nHost: " + asked.host + "\r\n" +
         (asked.origin.empty() ? "" : "Origin: " + asked.origin + "\r\n") + "\r\n";
}

Access access(const std::string& host, const Peer& peer, const AccessRules& rules) {
  return access_of(*ParsedRequest(text_of({.host = host})), peer, rules);
}

bool sees_errors(const std::string& host, const Peer& peer, const AccessRules& rules) {
  return may_see_errors(*ParsedRequest(text_of({.host = host})), peer, rules);
}

bool own_origin(const Asked& asked, const AccessRules& rules) {
  return has_own_origin(*ParsedRequest(text_of(asked)), rules);
}

std::optional<Notice> notice(const Asked& asked, const Peer& peer, const AccessRules& rules) {
  return notice_for(*ParsedRequest(text_of(asked)), peer, rules);
}

TEST(Access, IsFullForThisMachineOnly) {
  for (const AccessRules& rules : {kPlain, kTrusting, kLan}) {
    EXPECT_EQ(access("localhost:8000", kLocal, rules), Access::Full);
    EXPECT_EQ(access("shop.localhost:8000", kLocal, rules), Access::Full);
    EXPECT_EQ(access("localhost:8001", kLocal, rules), Access::None);
    EXPECT_EQ(access("evil.example:8000", kLocal, rules), Access::None);
    EXPECT_EQ(access("localhost:8000", kPhone, rules), Access::None);
    EXPECT_EQ(access("localhost:8000", kFar, rules), Access::None);
  }
}

TEST(TrustHost, GivesPagesOfOneNameWhatTheyNeed) {
  for (const char* const host : {"app.example.dev", "APP.example.dev", "app.example.dev:443"}) {
    EXPECT_EQ(access(host, kLocal, kTrusting), Access::Pages) << host;
    EXPECT_EQ(access(host, kLocal, kPlain), Access::None) << host;
    EXPECT_TRUE(sees_errors(host, kLocal, kTrusting)) << host;
    EXPECT_FALSE(sees_errors(host, kLocal, kPlain)) << host;
  }
  for (const char* const host :
       {"x.app.example.dev", "app.example.dev.evil.example", "example.dev", "evil.example"}) {
    EXPECT_EQ(access(host, kLocal, kTrusting), Access::None) << host;
    EXPECT_FALSE(sees_errors(host, kLocal, kTrusting)) << host;
  }
  for (const Peer& peer : {kPhone, kFar}) {
    EXPECT_EQ(access("app.example.dev", peer, kTrusting), Access::None);
    EXPECT_FALSE(sees_errors("app.example.dev", peer, kTrusting));
  }
}

TEST(TrustHost, MayHaveAPort) {
  AccessRules rules = kTrusting;
  rules.trusted_host = "app.example.dev:8443";
  EXPECT_EQ(access("app.example.dev:8443", kLocal, rules), Access::Pages);
  EXPECT_EQ(access("app.example.dev", kLocal, rules), Access::None);
}

TEST(TrustHost, IsAnOwnOriginEvenIfHostWasReplaced) {
  EXPECT_TRUE(
      own_origin({.host = "localhost:8000", .origin = "https://app.example.dev"}, kTrusting));
  EXPECT_TRUE(own_origin({.host = "app.example.dev", .origin = "https://app.example.dev"}, kPlain));
  EXPECT_FALSE(own_origin({.host = "localhost:8000", .origin = "https://app.example.dev"}, kPlain));
  EXPECT_FALSE(own_origin({.host = "localhost:8000", .origin = "https://evil.example"}, kTrusting));
  EXPECT_FALSE(own_origin({.host = "localhost:8000", .origin = "null"}, kTrusting));
  EXPECT_TRUE(own_origin({.host = "localhost:8000"}, kTrusting)) << "no browser";
}

TEST(Lan, GivesPagesOfPrivateClientsWhatTheyNeed) {
  for (const Peer& peer : {kPhone, kLocal}) {
    for (const char* const host :
         {"192.168.1.5:8000", "10.0.0.1:8000", "[fd00::1]:8000", "laptop.local:8000"}) {
      EXPECT_EQ(access(host, peer, kLan), Access::Output) << host;
      EXPECT_EQ(access(host, peer, kPlain), Access::None) << host;
      EXPECT_TRUE(sees_errors(host, peer, kLan)) << host;
      EXPECT_FALSE(sees_errors(host, peer, kPlain)) << host;
    }
    for (const char* const host : {"evil.example:8000", "192.168.1.5.evil.example:8000",
                                   "local:8000", "evillocal:8000", "192.168.1:8000"}) {
      EXPECT_EQ(access(host, peer, kLan), Access::None) << host;
      EXPECT_FALSE(sees_errors(host, peer, kLan)) << host;
    }
    EXPECT_EQ(access("192.168.1.5:8001", peer, kLan), Access::None);
  }
  EXPECT_EQ(access("192.168.1.5:8000", kFar, kLan), Access::None);
  EXPECT_FALSE(sees_errors("192.168.1.5:8000", kFar, kLan));
}

TEST(Notice, NamesTheOptionThatHelps) {
  const auto name = notice({.host = "app.example.dev"}, kLocal, kPlain);
  ASSERT_TRUE(name);
  EXPECT_EQ(name->about, "app.example.dev");
  EXPECT_THAT(name->text, HasSubstr("--trust-host app.example.dev"));
  const auto origin =
      notice({.host = "localhost:8000", .origin = "https://app.example.dev"}, kLocal, kPlain);
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin, name) << "one line for both";
  const auto phone = notice({.host = "192.168.1.5:8000"}, kPhone, kPlain);
  ASSERT_TRUE(phone);
  EXPECT_THAT(phone->text, HasSubstr("--lan"));
  EXPECT_FALSE(notice({.host = "203.0.113.1:8000"}, kFar, kPlain));
}

TEST(Notice, PassesOnce) {
  NoticeLog log;
  EXPECT_TRUE(log.admit({.about = "a", .text = "x"}));
  EXPECT_FALSE(log.admit({.about = "a", .text = "x"}));
  for (std::size_t i = 1; i < NoticeLog::kNoticesMax; ++i) {
    EXPECT_TRUE(log.admit({.about = std::to_string(i), .text = "x"}));
  }
  EXPECT_FALSE(log.admit({.about = "b", .text = "x"})) << "there are too many";
}

}  // namespace
}  // namespace hpp::proxyd
