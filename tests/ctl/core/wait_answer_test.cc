#include "ctl/core/wait_answer.h"

#include <gtest/gtest.h>

namespace hpp::ctl {
namespace {

TEST(WaitAnswer, TheRequestNamesTheProxysHost) {
  const std::string request = wait_request("[::1]:8000", WaitFormat::Text);
  EXPECT_TRUE(request.starts_with("GET /__hpp/wait HTTP/1.1\r\nHost: [::1]:8000\r\n")) << request;
  EXPECT_NE(request.find("\r\nAccept: text/plain\r\n"), std::string::npos) << request;
  EXPECT_TRUE(request.ends_with("\r\n\r\n"));
}

TEST(WaitAnswer, TheRequestNamesTheWantedType) {
  EXPECT_NE(
      wait_request("localhost:8000", WaitFormat::Json).find("\r\nAccept: application/json\r\n"),
      std::string::npos);
}

TEST(WaitAnswer, BecomesOneLineOfJson) {
  const WaitAnswer failed{.decision = Decision::Failed,
                          .text = "{\n  \"live\": false,\n  \"output\": \"\\u001b[31mred\"\n}\n"};
  EXPECT_EQ(wait_json(failed, "http://localhost:1"),
            "{\"live\":false,\"output\":\"red\",\"url\":\"http://localhost:1\"}\n");
  const WaitAnswer older{.decision = Decision::Live, .text = "live"};
  EXPECT_EQ(wait_json(older, "http://localhost:1"),
            "{\"live\":true,\"url\":\"http://localhost:1\"}\n");
}

TEST(WaitAnswer, TheDecisionDependsOnTheStatus) {
  struct Case {
    const char* line;
    Decision decision;
  };

  const Case cases[] = {
      {"HTTP/1.1 200 OK", Decision::Live},
      {"HTTP/1.0 200", Decision::Live},
      {"HTTP/1.1 503 Service Unavailable", Decision::Failed},
      {"HTTP/1.1 403 Forbidden", Decision::Unclear},
      {"HTTP/1.1 2000", Decision::Unclear},
      {"HTTP/1.1", Decision::Unclear},
      {"SSH-2.0-x 200", Decision::Unclear},
      {"", Decision::Unclear},
  };
  for (const auto& [line, decision] : cases) {
    const auto answer = read_wait_answer(std::string(line) + "\r\nContent-Length: 2\r\n\r\n{}");
    ASSERT_TRUE(answer.has_value()) << line;
    EXPECT_EQ(answer->decision, decision) << line;
    EXPECT_EQ(answer->status_line, line);
    EXPECT_EQ(answer->text, "{}");
  }
}

TEST(WaitAnswer, TheLagIsThatOfALiveAnswer) {
  const auto lag = [](const char* status, const char* body) {
    return read_wait_answer(std::string("HTTP/1.1 ") + status + "\r\n\r\n" + body)->lag_ms;
  };
  EXPECT_EQ(lag("200 OK", "{\"live\": true, \"lag_ms\": 3000}\n"), 3000U);
  EXPECT_EQ(lag("200 OK", "{\"live\": true}"), 0U) << "an older proxyd";
  for (const char* body : {"", "{", "[]", "{\"lag_ms\": -1}", "{\"lag_ms\": \"3\"}"}) {
    EXPECT_EQ(lag("200 OK", body), 0U) << body;
  }
  EXPECT_EQ(lag("503 Service Unavailable", "{\"lag_ms\": 3000}"), 0U);
}

TEST(WaitAnswer, AnIncompleteHeadIsNoAnswer) {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(read_wait_answer(whole.substr(0, size)), std::nullopt) << size;
  }
  EXPECT_TRUE(read_wait_answer(whole).has_value());
}

}  // namespace
}  // namespace hpp::ctl
