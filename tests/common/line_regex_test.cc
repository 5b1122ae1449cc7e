#include "common/line_regex.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace hpp {
namespace {

std::string mistake_in(const std::string& text) {
  try {
    const LineRegex regex(text);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(LineRegex, MatchesAPartOfTheLine) {
  const struct {
    const char* regex;
    const char* line;
    bool matches;
  } cases[] = {
      {"Listening on", "  Listening on port 8001", true},
      {"listening", "Listening", false},
      {"^Listening", "Listening", true},
      {"^Listening", "not Listening", false},
      {"ready$", "ready in 3 ms", false},
      {"ready$", "it is ready", true},
      {"port (\\d+|none)", "port 8001", true},
      {"a|b", "xb", true},
      {"^a|b$", "xb", true},
      {"(?!x)y", "xy", true},
      {"\\bup\\b", "it is up", true},
      {"\\bup\\b", "startup", false},
      {"ä", "für ältere", true},
      {".", "", false},
      {"", "", true},
  };

  for (const auto& one : cases) {
    EXPECT_EQ(LineRegex(one.regex).matches(one.line), one.matches) << one.regex << " " << one.line;
  }
}

TEST(LineRegex, NamesThePositionOfAMistake) {
  const std::pair<const char*, const char*> cases[] = {
      {"abc(def", "character 4 of abc(def: the parenthesis is not closed"},
      {"ä)b", "character 2 of ä)b: there is no ( for this )"},
      {"*a", "character 1 of *a: there is nothing before it that could be repeated"},
      {"(?<x>a)", "character 1 of (?<x>a): after (?, there must be :, = or !"},
      {"a[bc", "character 2 of a[bc: the bracket [ is not closed"},
      {"a[z-a]", "of a[z-a]: the range is not"},
      {"a\\", "character 2 of a\\: the escape after the backslash is not complete"},
      {"x{", "character 2 of x{: in braces there must be numbers"},
      {"[[:foo:]]", "of [[:foo:]]: there is no character class with this name"},
      {"(a)\\1", "character 5 of (a)\\1: there are no back-references"},
      {"a{99999}{99999}", "it repeats too much"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(mistake_in(text).find(expected), std::string::npos) << mistake_in(text);
  }
}

// With a search that backtracks, each of these would take years, or overflow the stack.
TEST(LineRegex, TakesLittleTimeForAnyExpression) {
  const std::string line(100'000, 'a');
  for (const char* const text : {"(a+)+$b", "(a|aa)+$b", "((((a*)*)*)*)*b", "(.*)(.*)(.*)(.*)b"}) {
    EXPECT_FALSE(LineRegex(text).matches(line)) << text;
  }
}

}  // namespace
}  // namespace hpp
