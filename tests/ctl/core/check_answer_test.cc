#include "ctl/core/check_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/bus/codec.h"
#include "common/bus/output_record.h"

namespace hpp::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kUrl = "http://localhost:8000";

TEST(CheckTarget, IsAPathOrAUrlWithTheSamePort) {
  const auto target = [](const char* text) {
    const auto found = check_target(text, kUrl);
    return found ? found->host + " " + found->path : "none";
  };
  EXPECT_EQ(target("/cart?id=1#top"), "localhost:8000 /cart?id=1");
  EXPECT_EQ(target("http://localhost:8000"), "localhost:8000 /");
  EXPECT_EQ(target("http://shop.localhost:8000/a"), "shop.localhost:8000 /a");
  EXPECT_EQ(target("http://[::1]:8000/a"), "[::1]:8000 /a");
  EXPECT_EQ(target("http://localhost:8000?x"), "localhost:8000 /?x");
  EXPECT_EQ(target("http://localhost:9000/"), "none") << "another server";
  EXPECT_EQ(target("http://[::1]/"), "none");
  EXPECT_EQ(target("cart"), "none");
  EXPECT_EQ(target(""), "none");
  EXPECT_EQ(target("/a b"), "none");
  EXPECT_EQ(target("/a\r\nX: y"), "none");
}

TEST(CheckRequest, AsksForAnAnswerThatIsNotChunked) {
  EXPECT_THAT(check_request({.host = "localhost:8000", .path = "/a"}),
              HasSubstr("GET /a HTTP/1.0\r\nHost: localhost:8000\r\n"));
}

TEST(CheckAnswer, HasStatusTypeAndBody) {
  const auto answer =
      read_check_answer("HTTP/1.1 404 Not Found\r\nX: y\r\ncontent-type:  text/html \r\n\r\nno\n");
  EXPECT_EQ(answer, (CheckAnswer{.status = 404,
                                 .status_line = "HTTP/1.1 404 Not Found",
                                 .type = "text/html",
                                 .body = "no\n"}));
  EXPECT_FALSE(is_good(*answer));
  EXPECT_TRUE(is_good({.status = 302}));
}

TEST(CheckAnswer, IsRefusedIfItIsIncompleteOrNotHttp) {
  for (const char* text : {"", "HTTP/1.1 200 OK\r\nX: y\r\n", "hello\r\n\r\n", "HTTP/1.1 \r\n\r\n",
                           "HTTP/1.1 abc\r\n\r\n"}) {
    EXPECT_EQ(read_check_answer(text), std::nullopt) << text;
  }
}

TEST(PrintedText, IsTheServersAndTheBuilds) {
  const auto record = [](bus::OutputStream stream, const char* text) {
    return bus::write_record({.at_ms = 1, .generation = 1, .stream = stream, .text = text});
  };
  const std::string log =
      record(bus::OutputStream::Stdout, "a") + record(bus::OutputStream::Hpp, "Running: …") +
      "cut\n" + record(bus::OutputStream::Stderr, "b") + record(bus::OutputStream::Build, "c");
  EXPECT_EQ(printed_text(log), "a\nb\nc\n");
}

TEST(CheckText, LeavesOutABodyThatIsNotText) {
  CheckAnswer answer{.status = 200, .status_line = "HTTP/1.1 200 OK", .type = "image/png"};
  answer.body = "\x89PNG";
  EXPECT_EQ(check_text(answer, {}, ""),
            "HTTP/1.1 200 OK\nimage/png\n\n(4 bytes that are not text)\n");
  EXPECT_TRUE(nlohmann::json::parse(check_json(answer, kUrl, {}, ""))["body"].is_null());
  answer.type = "application/problem+json";
  EXPECT_THAT(check_text(answer, {}, "boom\n"),
              HasSubstr("PNG\n\nYour server has printed:\n\nboom\n"));
}

TEST(CheckJson, IsOneLineWithoutColours) {
  const std::string json = check_json({.status = 500, .type = "text/plain", .body = "a\nb"},
                                      "http://localhost:8000/a", {}, "\x1b[31mred\x1b[0m\n");
  EXPECT_THAT(json, Not(HasSubstr("\x1b")));
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  const auto object = nlohmann::json::parse(json);
  EXPECT_EQ(object["status"], 500);
  EXPECT_EQ(object["body"], "a\nb");
  EXPECT_EQ(object["output"], "red\n");
  EXPECT_EQ(object["live"], true);
  EXPECT_TRUE(object["error"].is_null());
}

TEST(CheckAnswer, IsAnErrorOfTheServerFrom500) {
  EXPECT_FALSE(is_server_error({.status = 404}));
  EXPECT_TRUE(is_server_error({.status = 500}));
}

const bus::BackendError kError{
    .message = "ValueError: \x1b[1m\nno", .file = "shop/views.py", .line = 12, .source = "x\n"};

TEST(CheckText, BeginsWithTheErrorOfAnAnswerInHtml) {
  const CheckAnswer answer{.status = 500,
                           .status_line = "HTTP/1.1 500 Internal Server Error",
                           .type = "text/html",
                           .body = "<h1>"};
  EXPECT_THAT(check_text(answer, kError, "Traceback\n"),
              testing::MatchesRegex("shop/views\\.py:12: ValueError: [^\n\x1b]*no\n\n"
                                    "HTTP/1\\.1 500 Internal Server Error\ntext/html\n\n<h1>\n\n"
                                    "Your server has printed:\n\nTraceback\n"));
}

TEST(CheckJson, HasTheFieldsOfTheErrorAsWaitHas) {
  const auto error =
      nlohmann::json::parse(check_json({.status = 500}, kUrl, kError, "Traceback\n"))["error"];
  EXPECT_EQ(error["message"], kError.message);
  EXPECT_EQ(error["file"], "shop/views.py");
  EXPECT_EQ(error["line"], 12);
  EXPECT_EQ(error["source"], "x\n");
  EXPECT_EQ(error, bus::json_of(kError));
}

}  // namespace
}  // namespace hpp::ctl
