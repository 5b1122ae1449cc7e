#include "supervisord/core/env_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(EnvText, HasAVariableInEachLine) {
  const EnvText read = read_env_text(
      "\xEF\xBB\xBF# a comment\n\n  A=1\r\nexport B = two words  # a comment\nC='$x # \\n'\n"
      "D=\"a\\n\\\"\\$\\q\" # a comment\nE=\nF=a#b\nG=#\nA=2\nH.a-b=x=y");
  EXPECT_EQ(read.problem, "");
  EXPECT_THAT(read.variables, ElementsAre(Pair("B", "two words"), Pair("C", "$x # \\n"),
                                          Pair("D", "a\n\"$\\q"), Pair("E", ""), Pair("F", "a#b"),
                                          Pair("G", ""), Pair("A", "2"), Pair("H.a-b", "x=y")));
}

TEST(EnvText, AMalformedLineIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"A=1\nB", "line 2: expected NAME=VALUE"},
      {"=1", "line 1: expected NAME=VALUE"},
      {"1A=1", "line 1: expected NAME=VALUE"},
      {"A B=1", "line 1: expected NAME=VALUE"},
      {"\nA=\"x", "line 2: expected \" at the end of the value of A"},
      {"A='x'y", "line 1: expected ' at the end of the value of A"},
      {"A=\"x\\\"", "line 1: expected \" at the end of the value of A"},
      {"A=\"x\\", "line 1: expected \" at the end of the value of A"},
  };
  for (const auto& [text, problem] : cases) EXPECT_EQ(read_env_text(text).problem, problem) << text;
  EXPECT_EQ(read_env_text(std::string_view("A=\0", 3)).problem,
            "line 1: a value must not contain NUL");
}

TEST(EnvText, MayBeEmpty) {
  EXPECT_TRUE(read_env_text("").variables.empty());
  EXPECT_EQ(read_env_text("\n\n").problem, "");
}

}  // namespace
}  // namespace hpp::supervisord
