#include "proxyd/core/http/text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace hpp::proxyd {
namespace {

TEST(HttpText, Tokens) {
  for (const char* text : {"GET", "a", "!#$%&'*+-.^_`|~09AZaz"})
    EXPECT_TRUE(is_token(text)) << text;
  for (const char* text : {"", "a b", "a:b", "\"a\"", "a/b", "ä", "a,b", "a\t"}) {
    EXPECT_FALSE(is_token(text)) << text;
  }
}

TEST(HttpText, ComparesWithoutCase) {
  EXPECT_TRUE(same_text("Content-Length", "content-LENGTH"));
  EXPECT_TRUE(same_text("", ""));
  EXPECT_FALSE(same_text("a", "ab"));
  EXPECT_FALSE(same_text("[", "{"));
}

TEST(HttpText, ComparesWithSeveralTexts) {
  EXPECT_TRUE(is_any_of("B", {"a", "b"}));
  EXPECT_FALSE(is_any_of("ab", {"a", "b"}));
  EXPECT_FALSE(is_any_of("", {}));
}

TEST(HttpText, ReadsParameters) {
  std::vector<std::pair<std::string, std::string>> parameters;
  const auto main = read_parameters(
      " text/html ; charset=\"x y\";q = 1; a",
      [&](std::string_view name, std::string_view value) { parameters.emplace_back(name, value); });
  EXPECT_EQ(main, "text/html");
  const std::vector<std::pair<std::string, std::string>> expected{
      {"charset", "x y"}, {"q", "1"}, {"a", ""}};
  EXPECT_EQ(parameters, expected);
  EXPECT_EQ(read_parameters("", [](std::string_view, std::string_view) { FAIL(); }), "");
}

TEST(HttpText, SplitsHostAndPort) {
  for (const auto& [text, host, port] :
       std::vector<std::tuple<std::string_view, std::string_view, std::string_view>>{
           {"localhost:8000", "localhost", "8000"},
           {"localhost", "localhost", ""},
           {"[::1]:80", "[::1]", "80"},
           {"[::1]", "[::1]", ""},
           {"*:*", "*", "*"},
           {"a:", "a", ""},
           {"", "", ""}}) {
    EXPECT_EQ(split_host(text).host, host) << text;
    EXPECT_EQ(split_host(text).port, port) << text;
  }
}

TEST(HttpText, SkipsEmptyListElementsAndTrimsTheOthers) {
  std::string seen;
  for_each_element(" a,, b\t,c ,\t", [&](std::string_view e) { seen += std::string(e) + ';'; });
  EXPECT_EQ(seen, "a;b;c;");
}

TEST(HttpText, TakesACompleteQuotedString) {
  for (const auto& [text, rest] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"\"\"", ""}, {"\"a;b\";c", ";c"}, {"\"a\\\"b\" c", " c"}, {"\"\\\\\"x", "x"}}) {
    std::string_view left = text;
    EXPECT_TRUE(take_quoted(left)) << text;
    EXPECT_EQ(left, rest) << text;
  }
  for (const std::string_view text : {"", "a", "\"a", "\"a\\\"", "\"a\\"}) {
    std::string_view left = text;
    EXPECT_FALSE(take_quoted(left)) << text;
  }
}

}  // namespace
}  // namespace hpp::proxyd
