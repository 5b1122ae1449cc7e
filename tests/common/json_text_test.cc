#include "common/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace hpp {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

TEST(JsonText, IsOneLine) {
  EXPECT_EQ(json_text(json{{"b", 1}, {"a", {2, nullptr}}}), R"({"a":[2,null],"b":1})");
}

TEST(JsonText, KeepsTheOrderOfAnOrderedObject) {
  EXPECT_EQ(json_text(ordered_json{{"b", 1}, {"a", 2}}), R"({"b":1,"a":2})");
}

TEST(JsonText, ForPeopleIsIndentedAndEndsItsLastLine) {
  EXPECT_EQ(indented_json_text(json{{"a", {1}}}), "{\n  \"a\": [\n    1\n  ]\n}\n");
}

TEST(JsonText, ReplacesWhatIsNotUtf8AndKeepsOtherCharacters) {
  const char* const text = "\xFFr\xC3\xA9sum\xC3";
  EXPECT_EQ(json_text(json(text)), "\"\uFFFDr\u00E9sum\uFFFD\"");
  EXPECT_EQ(json_text(ordered_json(text)), "\"\uFFFDr\u00E9sum\uFFFD\"");
  EXPECT_EQ(indented_json_text(json(text)), "\"\uFFFDr\u00E9sum\uFFFD\"\n");
}

TEST(ParseJson, ReturnsWhatWasWritten) {
  const json value{{"b", {1, -1, 0.5, true, nullptr}}, {"a", "\u00E9\n"}};
  EXPECT_EQ(parse_json(json_text(value)), value);
  EXPECT_EQ(parse_ordered_json(json_text(value)), ordered_json(value));
}

TEST(ParseJson, KeepsTheOrderOfTheMembersIfAsked) {
  EXPECT_EQ(json_text(parse_ordered_json(R"({"b":1,"a":2})")), R"({"b":1,"a":2})");
}

TEST(ParseJson, DiscardsWhatIsNotJson) {
  for (const char* const text : {"", " ", "{", "{} x", "'a'", "\"\xFF\"", "1e999", "{a: 1}"}) {
    EXPECT_TRUE(parse_json(text).is_discarded()) << text;
    EXPECT_TRUE(parse_ordered_json(text).is_discarded()) << text;
  }
}

TEST(LineOfJsonError, IsTheLineOfTheFirstWrongByte) {
  const std::pair<const char*, std::size_t> cases[] = {
      {"", 1},
      {"x", 1},
      {"{\n  \"a\": 1,\n}\n", 3},
      {"{\n", 2},  // the end of the text
      {"{}\n\nx", 3},
      {"\"a\nb\"", 2},     // a line break within a string
      {"[\n1e999\n]", 2},  // too large a number
  };
  for (const auto& [text, line] : cases) EXPECT_EQ(line_of_json_error(text), line) << text;
}

}  // namespace
}  // namespace hpp
