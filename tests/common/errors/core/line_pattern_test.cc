#include "common/errors/core/line_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace hpp::errors {
namespace {

// `file|message|line|column`; `no` if the line does not match.
std::string matched(std::string_view pattern, std::string_view line) {
  const auto parts = match_line(pattern, line);
  if (!parts) return "no";
  return std::string(parts->file) + '|' + std::string(parts->message) + '|' +
         std::to_string(parts->line) + '|' + std::to_string(parts->column);
}

TEST(LinePattern, NamesThePartsOfALine) {
  constexpr std::string_view kGcc = "{file}:{line}:{column}: error: {message}";
  EXPECT_EQ(matched(kGcc, "src/a.c:3:15: error: no"), "src/a.c|no|3|15");
  EXPECT_EQ(matched(kGcc, "src/a.c:3:15: warning: no"), "no");
  EXPECT_EQ(matched(kGcc, "a:1:b.c:3:1: error: x: error: y"), "a:1:b.c|x: error: y|3|1");
  EXPECT_EQ(matched(kGcc, ":3:15: error: no"), "no") << "the file is empty";
  EXPECT_EQ(matched(kGcc, "a.c:3:15: error: "), "no") << "the message is empty";
  EXPECT_EQ(matched(kGcc, "a.c::15: error: x"), "no") << "the number is empty";
}

TEST(LinePattern, MatchesTheWholeLine) {
  EXPECT_EQ(matched("{file}:{line}", "a.rb:7"), "a.rb||7|0");
  EXPECT_EQ(matched("{file}:{line}", "a.rb:7:"), "no");
  EXPECT_EQ(matched("{file}:{line}", "http://[::1]:80"), "http://[::1]||80|0");
  EXPECT_EQ(matched("at {file}", "not at a"), "no");
  EXPECT_EQ(matched("a{*}", "a"), "||0|0");
  EXPECT_EQ(matched("{*}", ""), "||0|0");
  EXPECT_EQ(matched("", ""), "||0|0");
  EXPECT_EQ(matched("", "a"), "no");
}

TEST(LinePattern, TheLastFixedTextIsAtTheEnd) {
  EXPECT_EQ(matched("{*} ({file}:{line}:{column})", "f (a (b).js:1:2)"), "a (b).js||1|2");
  EXPECT_EQ(matched("{*} ({file}:{line}:{column})", "f (a.js:1:2) (b.js:3:4)"),
            "a.js:1:2) (b.js||3|4");
}

TEST(LinePattern, RefusesNumbersThatAreTooLong) {
  EXPECT_EQ(matched("{file}:{line}", "a:999999999"), "a||999999999|0");
  EXPECT_EQ(matched("{file}:{line}", "a:1000000000"), "no");
  EXPECT_EQ(matched("{file}:{line}", "a:99999999999999999999999"), "no");
}

}  // namespace
}  // namespace hpp::errors
