#include "proxyd/core/http/forwarded.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

TEST(Forwarded, FollowsRfc7239) {
  EXPECT_EQ(forwarded_element("127.0.0.1", "localhost:8000", "http"),
            "for=127.0.0.1;host=\"localhost:8000\";proto=http");
  EXPECT_EQ(forwarded_element("::1", "[::1]:8000", "http"),
            "for=\"[::1]\";host=\"[::1]:8000\";proto=http");
  EXPECT_EQ(forwarded_element("10.0.0.1", "example.org", "https"),
            "for=10.0.0.1;host=example.org;proto=https");
  EXPECT_EQ(forwarded_element("10.0.0.1", "", ""), "for=10.0.0.1");
  EXPECT_EQ(forwarded_element("10.0.0.1:80", "a\"b\\", ""),
            "for=\"10.0.0.1:80\";host=\"a\\\"b\\\\\"");
  EXPECT_EQ(forwarded_element("[::1]:80", "", ""), "for=\"[::1]:80\"");
  EXPECT_EQ(forwarded_element("unknown", "", ""), "for=unknown");
}

OuterRequest read(const std::string& fields) {
  const ParsedRequest head("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
  return read_outer_request(head->fields);
}

TEST(OuterRequest, IsReadFromEitherKindOfField) {
  EXPECT_EQ(read(""), OuterRequest{});
  EXPECT_EQ(read("X-Forwarded-For: 1.1.1.1, ::2\r\nX-Forwarded-For: 3.3.3.3\r\n"
                 "X-Forwarded-Host: b, c\r\nX-Forwarded-Proto: https, http\r\n"),
            (OuterRequest{.proto = "https", .host = "b", .chain = {"1.1.1.1", "::2", "3.3.3.3"}}));
  EXPECT_EQ(read("Forwarded: for=\"[::1]:80\";proto=https;host=\"b:1\", "
                 "For=2.2.2.2:90;proto=http;host=c\r\n"
                 "Forwarded: for=_a;by=x, for=\"\", for=unknown, for=\"\\u\"\r\n"),
            (OuterRequest{.proto = "https",
                          .host = "b:1",
                          .chain = {"::1", "2.2.2.2", "_a", "unknown", "u"},
                          .has_forwarded = true}));
}

TEST(OuterRequest, PrefersForwarded) {
  const std::string forerunners =
      "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Host: b\r\nX-Forwarded-Proto: https\r\n";
  EXPECT_EQ(
      read(forerunners + "Forwarded: for=2.2.2.2;host=c;proto=http\r\n"),
      (OuterRequest{.proto = "http", .host = "c", .chain = {"2.2.2.2"}, .has_forwarded = true}));
  EXPECT_EQ(
      read(forerunners + "Forwarded: for=2.2.2.2\r\n"),
      (OuterRequest{.proto = "https", .host = "b", .chain = {"2.2.2.2"}, .has_forwarded = true}));
  EXPECT_EQ(read(forerunners + "Forwarded: for=\"2.2.2.2;proto=http\r\n"),
            (OuterRequest{.proto = "https", .host = "b", .chain = {"1.1.1.1"}}))
      << "it cannot be read";
}

TEST(OuterRequest, ReadsTheOtherFieldsThatMeanHttps) {
  for (const char* const field :
       {"X-Forwarded-Scheme: https\r\n", "X-Forwarded-Ssl: on\r\n", "Front-End-Https: On\r\n"}) {
    EXPECT_EQ(read(field), OuterRequest{.proto = "https"}) << field;
  }
  EXPECT_EQ(read("X-Forwarded-Ssl: off\r\n"), OuterRequest{});
}

TEST(Forwarded, MustBeAListWithUnambiguousElements) {
  for (const char* const value :
       {"", "for=1.1.1.1", "For=\"[::1]:80\";proto=http;by=_a", "for=a, for=b,, for=c",
        " , ;for=a; ", "for=\"a,b;c\\\"\"", "for=1.1.1.1:80;host=a:8000", "for=[::1]"}) {
    EXPECT_TRUE(is_forwarded(value)) << value;
  }
  for (const char* const value :
       {"1.1.1.1", "for", "for=", "=a", "for=a b", "for=a proto=http", "for =a", "for=\"a",
        "for=\"a\\\"", "for=\"a\"b", "for=a/b", "for=a; /"}) {
    EXPECT_FALSE(is_forwarded(value)) << value;
  }
}

}  // namespace
}  // namespace hpp::proxyd
