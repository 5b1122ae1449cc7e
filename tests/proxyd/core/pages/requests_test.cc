#include "proxyd/core/pages/requests.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

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
                      302);
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
  EXPECT_TRUE(json["curl"].get<std::string>().ends_with("'http://localhost:8000/a?b=c&d'"));
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
  EXPECT_EQ(log["entries"][1]["response"]["status"], 0) << "there is no answer yet";
}

}  // namespace
}  // namespace hpp::proxyd
