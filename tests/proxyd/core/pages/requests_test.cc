#include "proxyd/core/pages/requests.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>

namespace hpp::proxyd {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* kUrl = "http://localhost:8000";

class RequestsTest : public testing::Test {
 protected:
  RequestsTest() {
    const std::uint64_t id = records_.begin(
        "POST /a?b=c&d HTTP/1.1\r\nHost: localhost:8000\r\nContent-Type: text/x\r\n"
        "Content-Length: 2\r\n\r\n",
        start_);
    records_.forwarded(id, 3, milliseconds(20));
    records_.body_of(id)->add("hi");
    records_.answered(id, "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Type: text/y\r\n\r\n",
                      {.status = 302, .framing = Framing::Length, .length = 5});
    records_.answer_body_of(id)->add("moved");
    records_.ended(id, RequestRecord::End::Completed, start_ + milliseconds(50));
    records_.begin("GET /late HTTP/1.1\r\nHost: localhost:8000\r\n\r\n", start_ + milliseconds(90));
  }

  TimePoint start_{std::chrono::hours(1)};
  // 2026-11-28 23:02:20.123 UTC
  Moment now_{.wall_ms = 1'795'906'940'223, .steady = start_ + milliseconds(100)};
  RequestRecords records_{/*keeps=*/true};
};

TEST_F(RequestsTest, TheListBeginsWithTheNewest) {
  const Json list = Json::parse(requests_json(records_, now_));
  EXPECT_EQ(list["keeps"], true);
  ASSERT_EQ(list["requests"].size(), 2U);
  EXPECT_EQ(list["requests"][1], (Json{{"id", 1},
                                       {"method", "POST"},
                                       {"target", "/a?b=c&d"},
                                       {"status", 302},
                                       {"end", "completed"},
                                       {"generation", 3},
                                       {"at_ms", 1'795'906'940'123},
                                       {"held_ms", 20.0},
                                       {"taken_ms", 50.0},
                                       {"can_be_sent", true}}));
  EXPECT_EQ(list["requests"][0]["end"], "open");
  EXPECT_EQ(list["requests"][0]["taken_ms"], 10.0) << "the time until now";
  EXPECT_TRUE(list["repeated"].empty());
  ASSERT_TRUE(records_.repeat(1));
  EXPECT_EQ(Json::parse(requests_json(records_, now_))["repeated"][0]["id"], 1);
}

TEST_F(RequestsTest, ARequestHasItsFieldsBodyAndCommand) {
  const Json json = Json::parse(request_json(*records_.find(1), now_, kUrl));
  EXPECT_EQ(json["body"], "hi");
  EXPECT_EQ(json["body_is_kept"], true);
  EXPECT_EQ(json["fields"][0], (Json{{"name", "Host"}, {"value", "localhost:8000"}}));
  EXPECT_EQ(json["answer_fields"][0], (Json{{"name", "Location"}, {"value", "/x"}}));
  EXPECT_EQ(json["answer_body"], "moved");
  EXPECT_EQ(json["answer_body_is_kept"], true);
  EXPECT_TRUE(json["curl"].get<std::string>().ends_with("'http://localhost:8000/a?b=c&d'"));
}

TEST_F(RequestsTest, ARequestThatCannotBeSentHasNoCommand) {
  const std::uint64_t id =
      records_.begin("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", start_);
  records_.body_of(id)->add("h");
  EXPECT_EQ(Json::parse(request_json(*records_.find(id), now_, kUrl))["curl"], "");
}

TEST_F(RequestsTest, TheArchiveBeginsWithTheOldest) {
  const Json log = Json::parse(requests_har(records_, now_, kUrl))["log"];
  EXPECT_EQ(log["version"], "1.2");
  ASSERT_EQ(log["entries"].size(), 2U);
  const Json& entry = log["entries"][0];
  EXPECT_EQ(entry["startedDateTime"], "2026-11-28T23:02:20.123Z");
  EXPECT_EQ(entry["time"], 50.0);
  EXPECT_EQ(entry["timings"]["blocked"], 20.0);
  EXPECT_EQ(entry["timings"]["wait"], 30.0);
  EXPECT_EQ(entry["request"]["url"], "http://localhost:8000/a?b=c&d");
  EXPECT_EQ(entry["request"]["queryString"],
            (Json{{{"name", "b"}, {"value", "c"}}, {{"name", "d"}, {"value", ""}}}));
  EXPECT_EQ(entry["request"]["postData"]["text"], "hi");
  EXPECT_EQ(entry["request"]["postData"]["mimeType"], "text/x");
  EXPECT_EQ(entry["response"]["status"], 302);
  EXPECT_EQ(entry["response"]["statusText"], "Found");
  EXPECT_EQ(entry["response"]["httpVersion"], "HTTP/1.1");
  EXPECT_EQ(entry["response"]["redirectURL"], "/x");
  EXPECT_EQ(entry["response"]["bodySize"], 5);
  EXPECT_EQ(entry["response"]["content"],
            (Json{{"size", 5}, {"mimeType", "text/y"}, {"text", "moved"}}));
  EXPECT_EQ(log["entries"][1]["response"]["status"], 0) << "there is no answer yet";
}

TEST_F(RequestsTest, AnArchivedStatusLineMayFollowEmptyLines) {
  const std::uint64_t id = records_.begin("GET / HTTP/1.1\r\nHost: a\r\n\r\n", start_);
  for (const auto& [head, version, text] :
       {std::tuple{"\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\n", "HTTP/1.0", "Not Found"},
        {"HTTP/1.1 404\r\n\r\n", "HTTP/1.1", ""}}) {
    records_.answered(id, head, {.status = 404});
    const Json archive = Json::parse(requests_har(records_, now_, kUrl));
    const Json& response = archive["log"]["entries"].back()["response"];
    EXPECT_EQ(response["httpVersion"], version);
    EXPECT_EQ(response["statusText"], text);
  }
}

TEST_F(RequestsTest, AnArchivedRequestHasItsBody) {
  const auto archived = [&](const std::string& fields, const std::string& body) {
    RequestRecords records(/*keeps=*/true);
    const std::uint64_t id =
        records.begin("POST / HTTP/1.1\r\nHost: a\r\n" + fields +
                          "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n",
                      start_);
    records.body_of(id)->add(body);
    return Json::parse(requests_har(records, now_, kUrl))["log"]["entries"][0]["request"];
  };
  EXPECT_EQ(archived("Content-Type: a/b\r\n", "\u00e9")["postData"],
            (Json{{"mimeType", "a/b"}, {"params", Json::array()}, {"text", "\u00e9"}}));
  EXPECT_EQ(archived("", "\xe9t\xe9")["postData"],
            (Json{{"mimeType", ""},
                  {"params", Json::array()},
                  {"text", "6XTp"},
                  {"encoding", "base64"},
                  {"comment", "The text is the body in base64, because it is not UTF-8."}}));
  const Json encoded = archived("Content-Encoding: br\r\n", "abc")["postData"];
  EXPECT_EQ(encoded["text"], "YWJj");
  EXPECT_NE(encoded["comment"].get<std::string>().find("Content-Encoding br"), std::string::npos);
  const Json long_one = archived("", std::string(kBodyKept + 1, 'x'));
  EXPECT_FALSE(long_one.contains("postData"));
  EXPECT_EQ(long_one["bodySize"], -1);
  EXPECT_EQ(long_one["comment"], "hpp keeps only bodies of up to 64 KiB.");
}

class ContentTest : public testing::Test {
 protected:
  // Returns the HAR's response to a request, whose answer has these fields and this body.
  static Json response(const std::string& fields, const std::string& body,
                       RequestRecord::End end = RequestRecord::End::Completed) {
    RequestRecords records(/*keeps=*/true);
    const std::uint64_t id = records.begin("GET / HTTP/1.1\r\nHost: a\r\n\r\n", TimePoint{});
    records.answered(id, "HTTP/1.1 200 OK\r\n" + fields + "\r\n", {.framing = Framing::UntilClose});
    records.answer_body_of(id)->add(body);
    if (end != RequestRecord::End::Open) records.ended(id, end, TimePoint{}, 200);
    return Json::parse(requests_har(records, Moment{}, kUrl))["log"]["entries"][0]["response"];
  }

  static Json content(const std::string& fields, const std::string& body) {
    return response(fields, body)["content"];
  }
};

TEST_F(ContentTest, Utf8IsText) {
  EXPECT_EQ(
      content("Content-Type: application/json\r\n", "{\"a\":\"\u00e9\u4e2d\"}\n"),
      (Json{
          {"size", 14}, {"mimeType", "application/json"}, {"text", "{\"a\":\"\u00e9\u4e2d\"}\n"}}));
  EXPECT_EQ(content("Content-Encoding: Identity\r\n", "abc"),
            (Json{{"size", 3}, {"mimeType", ""}, {"text", "abc"}}));
  EXPECT_EQ(content("Content-Encoding: gzip\r\n", ""),
            (Json{{"size", 0}, {"mimeType", ""}, {"text", ""}}));
}

TEST_F(ContentTest, OtherBytesAreBase64) {
  for (const auto& [body, text] : {std::pair{std::string("\xe9t\xe9"), "6XTp"},
                                   {std::string("\xc3"), "ww=="},
                                   {std::string("\xc0\xaf"), "wK8="},
                                   {std::string("\xed\xa0\x80"), "7aCA"},
                                   {std::string("a\0b\0", 4), "YQBiAA=="}}) {
    EXPECT_EQ(
        content("", body),
        (Json{{"size", body.size()}, {"mimeType", ""}, {"text", text}, {"encoding", "base64"}}));
  }
}

TEST_F(ContentTest, AnEncodedBodyIsNotDecodedAndTheCommentSaysSo) {
  Json json = content("Content-Type: text/plain\r\nContent-Encoding: br\r\n", "abc");
  EXPECT_NE(json["comment"].get<std::string>().find("in the Content-Encoding br"),
            std::string::npos);
  json.erase("comment");
  EXPECT_EQ(
      json,
      (Json{{"size", 3}, {"mimeType", "text/plain"}, {"text", "YWJj"}, {"encoding", "base64"}}));
}

TEST_F(ContentTest, ACommentSaysWhyThereIsNoBody) {
  using End = RequestRecord::End;
  for (const auto& [end, body, reason] :
       {std::tuple{End::Open, std::string("abc"), "not complete"},
        {End::Cut, std::string("abc"), "ended before"},
        {End::Own, std::string(), "hpp itself has answered"},
        {End::Completed, std::string(kBodyKept + 1, 'x'), "up to 64 KiB"}}) {
    const Json json = response("", body, end);
    EXPECT_EQ(json["bodySize"], -1);
    EXPECT_EQ(json["content"]["size"], -1);
    EXPECT_FALSE(json["content"].contains("text"));
    EXPECT_NE(json["content"]["comment"].get<std::string>().find(reason), std::string::npos)
        << json;
  }
}

}  // namespace
}  // namespace hpp::proxyd
