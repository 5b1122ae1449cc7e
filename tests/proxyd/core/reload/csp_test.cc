#include "proxyd/core/reload/csp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hpp::proxyd {
namespace {

using testing::HasSubstr;

const Page kPage{.host = "localhost:8000"};

CspDecision judge(const std::vector<std::string_view>& fields, const Page& page = kPage) {
  return judge_csp(fields, page, "/__hpp/livereload.js", "/__hpp/livereload");
}

TEST(Csp, PoliciesThatAllowAPlainTag) {
  for (const char* policy : {"",
                             "img-src 'none'",
                             "script-src 'self'",
                             "SCRIPT-SRC 'SELF'",
                             "script-src *",
                             "script-src http:",
                             "script-src localhost:8000",
                             "script-src http://localhost:8000",
                             "script-src LOCALHOST:*",
                             "script-src *:8000",
                             "script-src http://localhost:8000/__hpp/",
                             "script-src localhost:8000/__hpp/livereload.js",
                             "script-src a.example 'self' https:",
                             "script-src-elem 'self'; script-src 'none'",
                             "script-src 'self'; script-src 'none'",
                             "default-src 'none'; script-src 'self'; connect-src 'self'",
                             "default-src 'self'",
                             " ;; script-src\t'self' ;",
                             "sandbox allow-forms allow-scripts allow-same-origin",
                             "connect-src ws:",
                             "connect-src ws://localhost:8000",
                             "connect-src ws://localhost:8000/__hpp/livereload",
                             "script-src 'nonce-<>' 'self'"}) {
    EXPECT_EQ(judge({policy}), CspDecision{}) << policy;
  }
}

TEST(Csp, PoliciesWithANonceGetTheNonce) {
  for (const char* policy :
       {"script-src 'nonce-aB3+/_-=='", "default-src 'self' 'nonce-aB3+/_-=='",
        "script-src 'strict-dynamic' 'nonce-aB3+/_-==' 'unsafe-inline' https:",
        "script-src 'NONCE-aB3+/_-==' 'sha256-x'", "script-src 'nonce-aB3+/_-==' 'nonce-b'"}) {
    EXPECT_EQ(judge({policy}), CspDecision{.nonce = "aB3+/_-=="}) << policy;
  }
}

TEST(Csp, PoliciesThatForbidTheScript) {
  struct Case {
    const char* policy;
    const char* objection;
  };

  for (const auto& [policy, objection] : {
           Case{"script-src 'none'", "script-src does not allow the script. Allow 'self'"},
           {"script-src", "script-src does not allow the script"},
           {"script-src 'unsafe-inline' 'unsafe-eval'", "script-src does not allow the script"},
           {"script-src 'sha256-abc='", "script-src does not allow the script"},
           {"script-src 'nonce-'", "script-src does not allow the script"},
           {"script-src 'nonce-a\"b'", "script-src does not allow the script"},
           {"script-src 'nonce-", "script-src does not allow the script"},
           {"script-src https:", "script-src does not allow the script"},
           {"script-src https://localhost:8000", "script-src does not allow the script"},
           {"script-src localhost", "script-src does not allow the script"},
           {"script-src localhost:8001", "script-src does not allow the script"},
           {"script-src localhost:8000/js/", "script-src does not allow the script"},
           {"script-src ws:", "script-src does not allow the script"},
           {"script-src *.localhost:8000", "script-src does not allow the script"},
           {"script-src-elem cdn.example; script-src 'self'", "script-src-elem does not allow"},
           {"default-src 'none'; connect-src 'self'", "default-src does not allow the script"},
           {"script-src 'self' 'strict-dynamic'", "Give script-src a nonce"},
           {"default-src 'none'; script-src 'self'",
            "default-src does not allow the script's connection"},
           {"connect-src https://api.example",
            "connect-src does not allow the script's connection"},
           {"connect-src http:", "connect-src does not allow the script's connection"},
           {"connect-src localhost:8000", "connect-src does not allow the script's connection"},
           {"connect-src wss:", "connect-src does not allow the script's connection"},
           {"sandbox", "allow-scripts"},
           {"sandbox allow-forms", "allow-scripts"},
           {"sandbox allow-scripts", "allow-same-origin"},
           {"default-src *; sandbox allow-scripts allow-forms", "allow-same-origin"},
       }) {
    const CspDecision decision = judge({policy});
    EXPECT_THAT(decision.objection, HasSubstr(objection)) << policy;
    EXPECT_EQ(decision.nonce, "") << policy;
  }
}

TEST(Csp, AllPoliciesMustAllowIt) {
  EXPECT_EQ(judge({"script-src 'self'", "script-src *"}), CspDecision{});
  EXPECT_EQ(judge({"script-src 'self', script-src 'nonce-a'"}), CspDecision{.nonce = "a"});
  EXPECT_EQ(judge({"script-src 'nonce-b' 'nonce-a'", "script-src 'nonce-a'"}),
            CspDecision{.nonce = "a"});
  EXPECT_EQ(judge({"script-src 'nonce-a' 'self'", "script-src 'nonce-b' 'self'"}),
            CspDecision{.nonce = "a"});
  EXPECT_NE(judge({"script-src 'nonce-a'", "script-src 'nonce-b'"}).objection, "");
  EXPECT_THAT(judge({"script-src 'nonce-a'", "script-src-elem 'none'"}).objection,
              HasSubstr("script-src-elem"));
  EXPECT_NE(judge({"script-src 'self', connect-src 'none'"}).objection, "");
}

TEST(Csp, SourcesAreRelativeToThePage) {
  const Page secure{.is_secure = true, .host = "app.example"};
  for (const char* source : {"https:", "http:", "app.example", "app.example:443", "*.example",
                             "https://app.example", "http://app.example:443"}) {
    EXPECT_EQ(judge({std::string("script-src ") + source}, secure), CspDecision{}) << source;
  }
  for (const char* source : {"wss:", "ws:", "wss://app.example", "ws://*:443", "'self'", "*"}) {
    EXPECT_EQ(judge({std::string("connect-src ") + source}, secure), CspDecision{}) << source;
  }
  for (const char* source : {"app.example:80", "ws:", "pp.example", "example", "*.app.example"}) {
    EXPECT_NE(judge({std::string("script-src ") + source}, secure), CspDecision{}) << source;
  }
  EXPECT_EQ(judge({"script-src localhost"}, {.host = "localhost"}), CspDecision{});
  EXPECT_EQ(judge({"default-src 'self'"}, {.host = "[::1]:8000"}), CspDecision{});
}

}  // namespace
}  // namespace hpp::proxyd
