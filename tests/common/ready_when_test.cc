#include "common/ready_when.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace hpp {
namespace {

TEST(ReadyWhen, IsTheReverseOfItsText) {
  for (const char* const text : {"http", "tcp", "notify", "line:Listening on", "line:line:x"}) {
    EXPECT_EQ(to_string(parse_ready_when(text)), text);
  }
  EXPECT_EQ(parse_ready_when("line:a:b").regex, "a:b");
}

TEST(ReadyWhen, MayBeAnnouncedByTheServer) {
  EXPECT_TRUE(parse_ready_when("line:x").is_announced());
  EXPECT_TRUE(parse_ready_when("notify").is_announced());
  EXPECT_FALSE(parse_ready_when("http").is_announced());
  EXPECT_FALSE(parse_ready_when("tcp").is_announced());
}

TEST(ReadyWhen, MistakesAreExplained) {
  const std::pair<std::string, const char*> cases[] = {
      {"Listening", "got 'Listening'. If your server prints that when it is ready, write line:"},
      {"notfy", "got 'notfy'. Did you mean notify?"},
      {"", "expected http, tcp, notify or line:REGEX, got ''"},
      {"line:", "the regular expression is missing after line:"},
      {"line:a(", "the regular expression is not valid at character 2 of a(: "},
      {"line:" + std::string(1'001, 'a'), "longer than 1000 bytes"},
  };
  for (const auto& [text, expected] : cases) {
    try {
      parse_ready_when(text);
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace hpp
