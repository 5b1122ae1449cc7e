#include "supervisord/core/gate_line.h"

#include <gtest/gtest.h>

namespace hpp::supervisord::gate {
namespace {

TEST(GateLine, ReadsEachLineOfTheContract) {
  EXPECT_EQ(parse("hello 1 python"), Line(Hello{"python"}));
  EXPECT_EQ(parse("env NODE_OPTIONS=--import=a b"), Line(Env{"NODE_OPTIONS", "--import=a b"}));
  EXPECT_EQ(parse("refuse make assets runs first"), Line(Refuse{"make assets runs first"}));
  EXPECT_EQ(parse("ready 431 212"), Line(Ready{.modules = 431, .ms = 212}));
  EXPECT_EQ(parse("ready 431 212.7"), Line(Ready{.modules = 431, .ms = 212}));
  EXPECT_EQ(parse("go"), Line(Go{}));
  EXPECT_EQ(parse("cold /a b/c.py"), Line(Cold{"/a b/c.py"}));
  EXPECT_EQ(parse("variable A B"), Line(Variable{"A B"}));
}

TEST(GateLine, IgnoresFurtherFields) {
  EXPECT_EQ(parse("hello 1 python 3.13"), Line(Hello{"python"}));
  EXPECT_EQ(parse("ready 1 2 3"), Line(Ready{.modules = 1, .ms = 2}));
  EXPECT_EQ(parse("go on"), Line(Go{}));
}

TEST(GateLine, DoesNotKnowAnythingElse) {
  for (const char* const line :
       {"", " ", "hello", "hello 2 python", "hello 1", "hello  python", "env", "env A", "env =b",
        "refuse", "ready", "ready 1", "ready -1 2", "ready a b", "cold", "variable", "GO", "going",
        "\r"}) {
    EXPECT_EQ(parse(line), Line(Unknown{})) << line;
  }
}

}  // namespace
}  // namespace hpp::supervisord::gate
