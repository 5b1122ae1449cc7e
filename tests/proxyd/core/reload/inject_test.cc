#include "proxyd/core/reload/inject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "proxyd/core/http/rewrite.h"
#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

using testing::HasSubstr;

constexpr const char* kTag = "<script src=\"/__hpp/livereload.js\" async></script>";
constexpr const char* kBrowsersAccept =
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

std::optional<Page> page_of(const std::string& fields) {
  return navigated_page(*ParsedRequest("GET / HTTP/1.1\r\nHost: a:1\r\n" + fields + "\r\n"));
}

TEST(NavigatedPage, IsThatOfANavigation) {
  EXPECT_EQ(page_of(kBrowsersAccept), (Page{.host = "a:1"}));
  EXPECT_FALSE(page_of("Accept: */*\r\n"));
}

TEST(NavigatedPage, MayComeFromTheCopyOfAnotherAnswer) {
  const auto may_serve = [](const std::string& fields, const std::string& method = "GET") {
    return may_serve_navigation(*ParsedRequest(method + " / HTTP/1.1\r\n" + fields + "\r\n"));
  };
  for (const char* const destination : {"document", "empty", "iframe", "embed"}) {
    EXPECT_TRUE(may_serve(std::string("Sec-Fetch-Dest: ") + destination + "\r\n")) << destination;
  }
  EXPECT_TRUE(may_serve("Accept: */*\r\n")) << "without Sec-Fetch-Dest";
  EXPECT_FALSE(may_serve("Sec-Fetch-Dest: style\r\n"));
  EXPECT_FALSE(may_serve("", "POST"));
}

TEST(NavigatedPage, HasTheOriginThatTheBrowserSees) {
  EXPECT_EQ(page_of(std::string(kBrowsersAccept) +
                    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b.example\r\n"),
            (Page{.is_secure = true, .host = "b.example"}));
  EXPECT_EQ(
      page_of(std::string(kBrowsersAccept) + "Forwarded: for=_a;proto=https;host=c.example\r\n"),
      (Page{.is_secure = true, .host = "c.example"}));
}

TEST(AskingForPlain, ReplacesWhatTheClientAccepts) {
  for (const char* fields : {"", "Accept-Encoding: gzip, br\r\n",
                             "accept-encoding: gzip\r\nAccept-Encoding: identity;q=0\r\n"}) {
    const ParsedRequest head(std::string("GET / HTTP/1.1\r\n") + fields +
                             "Host: a\r\nX: y\r\n\r\n");
    EXPECT_THAT(write_request_head(asking_for_plain(*head), {}, "::1", ""),
                HasSubstr("HTTP/1.1\r\nHost: a\r\nX: y\r\nAccept-Encoding: identity\r\n"));
  }
}

// Judges an answer with a body of five bytes, unless its fields say otherwise.
Injection judge(const std::string& fields, const std::string& status = "200",
                const RequestFacts& request = {}) {
  const ParsedResponse head("HTTP/1.1 " + status + " x\r\n" + fields + "\r\n");
  const auto facts = std::get<ResponseFacts>(judge_response(*head, request));
  return judge_injection({.host = "a:1"}, *head, facts);
}

const std::string kHtml = "Content-Type: text/html\r\n";
const std::string kLength = "Content-Length: 5\r\n";

TEST(Injection, IntoPages) {
  for (const std::string& fields :
       {kHtml + kLength, kHtml, kHtml + "Transfer-Encoding: chunked\r\n",
        kLength + "Content-Type: Text/HTML; x=\"y\" ; Charset = \"UTF-8\"\r\n",
        kLength + "Content-Type: text/html;charset=iso-8859-1\r\n",
        kLength + kHtml + "Content-Encoding: identity\r\n",
        kLength + kHtml + "Content-Disposition: inline; filename=attachment\r\n",
        kLength + kHtml + "Cache-Control: no-store, max-age=0\r\n",
        kLength + kHtml + "Content-Security-Policy-Report-Only: script-src 'none'\r\n",
        kLength + kHtml + "Content-Security-Policy: default-src 'self'\r\n"}) {
    EXPECT_EQ(judge(fields), (Injection{.tag = kTag})) << fields;
  }
  for (const char* status : {"200", "203", "404", "500"}) {
    EXPECT_EQ(judge(kHtml + kLength, status), (Injection{.tag = kTag})) << status;
  }
}

TEST(Injection, IntoNothingElse) {
  for (const std::string& fields :
       {kHtml + "Content-Length: 0\r\n", kLength + "Content-Type: text/htmlx\r\n",
        kLength + "Content-Type: application/xhtml+xml\r\nContent-Disposition: attachment\r\n",
        kLength + "Content-Type: application/xml\r\n",
        kLength + kHtml + "Content-Type: text/plain\r\n",
        kLength + kHtml + "Content-Disposition: attachment\r\n",
        kLength + kHtml + "content-disposition: Attachment; filename=\"a.html\"\r\n",
        kLength + "Content-Encoding: gzip\r\nContent-Type: image/svg+xml\r\n",
        kLength + "Cache-Control: no-transform\r\nContent-Disposition: attachment\r\n"}) {
    EXPECT_EQ(judge(fields), Injection{}) << fields;
  }
  for (const char* status : {"103", "204", "206", "302", "304"}) {
    EXPECT_EQ(judge(kHtml + kLength, status), Injection{}) << status;
  }
  EXPECT_EQ(judge(kHtml + kLength, "200", {.is_head = true}), Injection{});
}

TEST(Injection, HasAnEvenLength) {
  for (const char* const nonce : {"a", "ab", "abc", "abcd"}) {
    const std::string tag =
        judge(kHtml + kLength + "Content-Security-Policy: script-src 'nonce-" + nonce + "'\r\n")
            .tag;
    EXPECT_THAT(tag, HasSubstr(std::string(" nonce=\"") + nonce + "\""));
    EXPECT_EQ(tag.size() % 2, 0U) << tag;
  }
}

TEST(Injection, IntoNoPageThatWouldBecomeTooLong) {
  EXPECT_EQ(judge(kHtml + "Content-Length: 18446744073709551615\r\n"), Injection{});
  EXPECT_EQ(judge(kHtml + "Content-Length: 18446744073709551566\r\n"), Injection{});
  EXPECT_EQ(judge(kHtml + "Content-Length: 18446744073709551565\r\n"), (Injection{.tag = kTag}));
}

TEST(Injection, ReportsTheObstacleOfAPage) {
  using enum Obstacle::Kind;

  struct Case {
    std::string fields;
    Obstacle::Kind kind;
    const char* reason;
    const char* advice;
  };

  for (const auto& [fields, kind, reason, advice] : {
           Case{kHtml + "Content-Encoding: gzip\r\n", Encoding, "Content-Encoding: 'gzip'",
                "Turn compression off"},
           {"Content-Type: text/html; charset=UTF-16LE\r\n", Charset, "charset is 'UTF-16LE'",
            "UTF-8"},
           {"Content-Type: text/html; a=b; charset=\"utf-32\"\r\n", Charset, "'utf-32'", "UTF-8"},
           {kHtml + "Cache-Control: private, No-Transform\r\n", NoTransform, "no-transform",
            "Leave that out"},
           {"Server: x\r\n", NoType, "no Content-Type", "text/html"},
           {"Content-Type: application/xhtml+xml; charset=utf-8\r\n", Xhtml,
            "XHTML ('application/xhtml+xml; charset=utf-8')",
            "<script src=\"/__hpp/livereload.js\"></script>"},
       }) {
    const Injection injection = judge(kLength + fields);
    EXPECT_EQ(injection.tag, "");
    ASSERT_TRUE(injection.obstacle) << fields;
    EXPECT_EQ(injection.obstacle->kind, kind) << fields;
    EXPECT_THAT(injection.obstacle->text, HasSubstr(reason));
    EXPECT_THAT(injection.obstacle->text, HasSubstr(advice));
  }
}

TEST(Injection, FollowsTheContentSecurityPolicy) {
  EXPECT_EQ(judge(kHtml + kLength + "Content-Security-Policy: script-src 'nonce-abc'\r\n").tag,
            "<script src=\"/__hpp/livereload.js\" async nonce=\"abc\"></script>");
  const Injection forbidden =
      judge(kHtml + kLength +
            "content-security-policy: img-src *\r\nContent-Security-Policy: script-src 'none'\r\n");
  EXPECT_EQ(forbidden.tag, "");
  ASSERT_TRUE(forbidden.obstacle);
  EXPECT_EQ(forbidden.obstacle->kind, Obstacle::Kind::Policy);
  EXPECT_THAT(forbidden.obstacle->text, HasSubstr("script-src"));
}

TEST(HtmlPage, IsShownAndHtml) {
  const auto is_page = [](const std::string& fields, const std::string& status = "200") {
    const ParsedResponse head("HTTP/1.1 " + status + " x\r\n" + fields + "\r\n");
    return is_html_page(*head, std::get<ResponseFacts>(judge_response(*head, {})));
  };
  EXPECT_TRUE(is_page(kHtml + kLength));
  EXPECT_TRUE(is_page(kHtml + kLength + "Content-Encoding: gzip\r\n")) << "for this client only";
  EXPECT_TRUE(is_page(kHtml + kLength, "404"));
  EXPECT_FALSE(is_page(kHtml + kLength, "302"));
  EXPECT_FALSE(is_page(kLength));
  EXPECT_FALSE(is_page(kLength + "Content-Type: application/xhtml+xml\r\n"));
  EXPECT_FALSE(is_page(kLength + "Content-Type: application/json\r\n"));
}

}  // namespace
}  // namespace hpp::proxyd
