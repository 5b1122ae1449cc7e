#include "watchd/watchman/core/bser.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hpp::watchd::watchman::bser {
namespace {

using Json = nlohmann::json;
using namespace std::string_literals;
using Is = Frame::Is;

// Returns a PDU with this body, which the test writes by hand.
std::string pdu(const std::string& body) {
  return "\x00\x01\x03"s + static_cast<char>(body.size()) + body;
}

TEST(Bser, ValuesSurviveARoundTrip) {
  for (const char* text : {
           "null",
           "true",
           "false",
           "0",
           "-1",
           "127",
           "128",
           "-128",
           "-129",
           "32767",
           "32768",
           "2147483647",
           "2147483648",
           "-9223372036854775808",
           "1.5",
           R"("")",
           R"("ü")",
           "[]",
           "{}",
           R"(["watch-project", "/a b"])",
           R"({"a": [1, {"b": null}], "c": {"d": [[]]}})",
       }) {
    const Json value = Json::parse(text);
    EXPECT_EQ(decode(encode(value)), value) << text;
  }
}

TEST(Bser, WritesTheBytesOfTheSpecification) {
  EXPECT_EQ(encode({"a", 1}),
            "\x00\x01\x03\x09\x00\x03\x02\x02\x03\x01"
            "a\x03\x01"s);
}

TEST(Bser, KeepsBytesThatAreNotUtf8) {
  const std::string name = "\xe4\xff\x00z"s;
  EXPECT_EQ(decode(encode(Json::array({name})))->at(0).get<std::string>(), name);
}

TEST(Bser, KeepsLongStrings) {
  const std::string name(100'000, 'x');
  EXPECT_EQ(decode(encode(name))->get<std::string>(), name);
}

TEST(Bser, ReadsTemplates) {
  const std::string body =
      "\x0b\x00\x03\x02\x02\x03\x04name\x0d\x03\x03"s
      "age\x03\x03\x02\x03\x04"s
      "fred\x03\x14\x02\x03\x04pete\x03\x1e\x0c\x03\x19"s;
  EXPECT_EQ(decode(pdu(body)), Json::parse(R"([{"name": "fred", "age": 20},
                                               {"name": "pete", "age": 30}, {"age": 25}])"));
}

TEST(Bser, FrameReturnsTheSizeOnceTheHeaderIsComplete) {
  const std::string whole = encode({{"files", {"a", "b"}}});
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    const Frame expected = n < 4 ? Frame{} : Frame{.is = Is::Sized, .size = whole.size()};
    EXPECT_EQ(frame(whole.substr(0, n)), expected) << n;
  }
  EXPECT_EQ(frame(whole + whole), (Frame{.is = Is::Sized, .size = whole.size()}));
}

TEST(Bser, FrameRejectsMalformedHeaders) {
  for (const auto& bytes : {
           "{\"version\":\"4.9.0\"}\n"s, "\x01"s, "\x00\x02"s, "\x00\x01\x02"s, "\x00\x01\x07"s,
           "\x00\x01\x03\xff"s,                              // a size of -1
           "\x00\x01\x03\x00"s,                              // a size of 0
           "\x00\x01\x06\xff\xff\xff\xff\xff\xff\xff\x7f"s,  // the largest size
       }) {
    EXPECT_EQ(frame(bytes).is, Is::Broken) << testing::PrintToString(bytes);
  }
}

TEST(Bser, RejectsEveryTruncation) {
  const std::string body =
      encode({{"files", {"a", "b"}}, {"clock", "c:1"}, {"n", 70'000}}).substr(4);
  for (std::size_t n = 1; n < body.size(); ++n) {
    EXPECT_EQ(decode(pdu(body.substr(0, n))), std::nullopt) << n;
  }
  EXPECT_NE(decode(pdu(body)), std::nullopt);
  EXPECT_EQ(decode(pdu(body + "\x0a")), std::nullopt) << "bytes after the value";
}

TEST(Bser, RejectsWrongCountsAndTags) {
  const struct {
    const char* what;
    std::string body;
  } cases[] = {
      {"a tag that does not exist", "\x0e"s},
      {"an array of a billion", "\x00\x05\x00\xca\x9a\x3b\x0a"s},
      {"an array of minus one", "\x00\x03\xff"s},
      {"a string of minus one", "\x02\x03\xff"s},
      {"a string longer than the PDU", "\x02\x03\x09x"s},
      {"a count that is no number", "\x00\x0a"s},
      {"an object with a number for a key", "\x01\x03\x01\x03\x01\x0a"s},
      {"a template without keys", "\x0b\x00\x03\x00\x05\x00\xca\x9a\x3b"s},
      {"a template whose keys are no array", "\x0b\x01\x03\x01\x0a"s},
      {"an absent value outside of a template", "\x0c"s},
  };

  for (const auto& c : cases) EXPECT_EQ(decode(pdu(c.body)), std::nullopt) << c.what;
}

TEST(Bser, RejectsDeepNesting) {
  std::string body;
  for (int i = 0; i < 40; ++i) body += "\x00\x03\x01"s;
  EXPECT_EQ(decode(pdu(body + "\x0a")), std::nullopt);
}

TEST(Bser, SurvivesEveryChangedByte) {
  const std::string whole = encode({{"files", {"a", "b"}}, {"clock", "c:1"}, {"fresh", false}});
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = whole;
      changed[i] = static_cast<char>(value);
      (void)decode(changed);  // must return; the sanitizers check the rest
    }
  }
  EXPECT_EQ(decode(""), std::nullopt);
}

}  // namespace
}  // namespace hpp::watchd::watchman::bser
