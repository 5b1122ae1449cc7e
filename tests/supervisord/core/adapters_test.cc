#include "supervisord/core/adapters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hpp::supervisord {
namespace {

using testing::ElementsAre;
using testing::Pair;

const char* nothing(const char*) {
  return nullptr;
}

TEST(Adapters, FitInterpretersAndWhatStartsThem) {
  EXPECT_EQ(language_of("python"), "Python");
  EXPECT_EQ(language_of("/usr/bin/python3.12"), "Python");
  EXPECT_EQ(language_of(".venv/bin/gunicorn"), "Python");
  EXPECT_EQ(language_of("node"), "Node");
  EXPECT_EQ(language_of("npm"), "Node");
  EXPECT_EQ(language_of("ruby3.1"), "Ruby");
  EXPECT_EQ(language_of("bin/rails"), "Ruby");
  for (const char* const other : {"", "3", "./server", "go", "php", "pythonic", "node/server"}) {
    EXPECT_EQ(language_of(other), "") << other;
  }
}

TEST(Adapters, ComeBeforeWhatTheUserHasSet) {
  EXPECT_THAT(adapter_environment("/hpp", nothing),
              ElementsAre(Pair("PYTHONPATH", "/hpp/python"),
                          Pair("NODE_OPTIONS", "--require=/hpp/node/hpp_gate.cjs"),
                          Pair("RUBYOPT", "-r/hpp/ruby/hpp_gate.rb")));
  const auto own = [](const char*) { return "own"; };
  EXPECT_THAT(adapter_environment("/hpp", own),
              ElementsAre(Pair("PYTHONPATH", "/hpp/python:own"),
                          Pair("NODE_OPTIONS", "--require=/hpp/node/hpp_gate.cjs own"),
                          Pair("RUBYOPT", "-r/hpp/ruby/hpp_gate.rb own")));
  const auto empty = [](const char*) { return ""; };
  EXPECT_THAT(adapter_environment("/hpp", empty),
              testing::Contains(Pair("PYTHONPATH", "/hpp/python")))
      << "an empty entry of PYTHONPATH is the working directory";
}

TEST(Adapters, AreLeftOutIfTheirVariableCannotExpressThePath) {
  EXPECT_THAT(adapter_environment("/my \"hpp\"", nothing),
              ElementsAre(Pair("PYTHONPATH", "/my \"hpp\"/python"),
                          Pair("NODE_OPTIONS", R"("--require=/my \"hpp\"/node/hpp_gate.cjs")")));
  EXPECT_THAT(adapter_environment("/a:b", nothing),
              ElementsAre(Pair("NODE_OPTIONS", "--require=/a:b/node/hpp_gate.cjs"),
                          Pair("RUBYOPT", "-r/a:b/ruby/hpp_gate.rb")));
}

}  // namespace
}  // namespace hpp::supervisord
