#include "proxyd/core/curl_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hpp::proxyd {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const std::string kUrl = "http://localhost:8000";
// A browser sends these. curl(1) adds its own fields to a request without them.
const std::string kUsual = "Host: localhost:8000\r\nUser-Agent: b\r\nAccept: */*\r\n";
const std::string kUsualOptions = " \\\n  --header 'User-Agent: b' \\\n  --header 'Accept: */*'";

std::string command_of(const std::string& line, const std::string& fields = kUsual,
                       const std::string& body = "") {
  RequestRecord record;
  record.head = line + " HTTP/1.1\r\n" + fields + "\r\n";
  record.body.add(body);
  const KeptRequest request = read_kept(record);
  EXPECT_TRUE(request.can_be_sent);
  return curl_command(request, kUrl);
}

TEST(CurlCommand, HasTheMethodTheFieldsAndTheBody) {
  EXPECT_EQ(command_of("GET /a?b='c'", kUsual + "Empty:\r\nConnection: keep-alive\r\n"),
            "curl" + kUsualOptions +
                " \\\n  --header 'Empty;' \\\n  'http://localhost:8000/a?b='\\''c'\\'''");
  EXPECT_EQ(command_of("HEAD /"), "curl --head" + kUsualOptions + " \\\n  http://localhost:8000/");
  EXPECT_EQ(command_of("DELETE /"),
            "curl --request DELETE" + kUsualOptions + " \\\n  http://localhost:8000/");
  EXPECT_EQ(
      command_of("POST /", kUsual + "Content-Type: a/b\r\nContent-Length: 7\r\n", "{\"a\":1}"),
      "curl" + kUsualOptions +
          " \\\n  --header 'Content-Type: a/b' \\\n  --data-raw '{\"a\":1}' \\\n"
          "  http://localhost:8000/");
}

TEST(CurlCommand, RemovesTheFieldsThatCurlAdds) {
  EXPECT_EQ(command_of("GET /", "Host: shop.localhost:8000\r\n"),
            "curl \\\n  --header 'Host: shop.localhost:8000' \\\n  --header User-Agent: \\\n"
            "  --header Accept: \\\n  http://localhost:8000/");
  const std::string empty = command_of("POST /", kUsual + "Content-Length: 0\r\n");
  EXPECT_THAT(empty, HasSubstr("--header Content-Type: \\\n  --data-raw ''"));
  const std::string none = command_of("POST /");
  EXPECT_THAT(none, HasSubstr("curl --request POST"));
  EXPECT_THAT(none, Not(HasSubstr("--data-raw")));
}

TEST(CurlCommand, SendsTheTargetAsItWas) {
  EXPECT_THAT(command_of("GET /a?b[]=1"),
              AllOf(HasSubstr("curl --globoff"), HasSubstr("'http://localhost:8000/a?b[]=1'")));
  for (const char* const target : {"/a/../b", "/.", "/a/%2E%2e", "/?x#[y]"}) {
    EXPECT_THAT(command_of(std::string("GET ") + target),
                AllOf(HasSubstr("--request-target "), HasSubstr(target),
                      Not(HasSubstr("--globoff")), EndsWith(" http://localhost:8000/")));
  }
  EXPECT_THAT(command_of("OPTIONS *"), HasSubstr("curl --request OPTIONS --request-target '*'"));
  for (const char* const target : {"/.well-known/a", "/a..b", "/...", "/?/../"}) {
    EXPECT_THAT(command_of(std::string("GET ") + target), Not(HasSubstr("--request-target")));
  }
}

TEST(CurlCommand, AHeadWithABodyDoesNotWaitForAnother) {
  const std::string command = command_of("HEAD /", kUsual + "Content-Length: 1\r\n", "a");
  EXPECT_THAT(command, HasSubstr("curl --request HEAD --ignore-content-length"));
  EXPECT_THAT(command, HasSubstr("--header 'Connection: close'"));
  EXPECT_THAT(command, HasSubstr("--data-raw a"));
}

TEST(CurlCommand, PrintfWritesOtherBytes) {
  EXPECT_EQ(command_of("PUT /", kUsual + "Content-Length: 6\r\n", std::string("-a\0%'!", 6)),
            "printf '\\055a\\000\\045\\047\\041' | curl --request PUT" + kUsualOptions +
                " \\\n  --header Content-Type: \\\n  --data-binary @- \\\n"
                "  http://localhost:8000/");
  EXPECT_THAT(command_of("GET /caf\xe9!", kUsual + "X: \xc3\xa9\r\n"),
              AllOf(HasSubstr("--request-target \"$(printf '/caf\\351\\041')\""),
                    HasSubstr("--header \"$(printf 'X: \\303\\251')\"")));
}

}  // namespace
}  // namespace hpp::proxyd
