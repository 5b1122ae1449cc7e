#include "proxyd/core/failure_log.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

using Kind = Answer::Kind;

TEST(FailureLog, ShowsARequestAsItWasSent) {
  EXPECT_EQ(shown_request("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), "GET /x");
  EXPECT_EQ(shown_request("GET /x y HTTP/1.1\r\n"), "GET /x y");
  EXPECT_EQ(shown_request("nonsense\n"), "nonsense");
  EXPECT_EQ(shown_request("GET /ha"), "GET /ha") << "as far as it has come";
  EXPECT_EQ(shown_request(""), "a request");
  const std::string shown = shown_request("GET /" + std::string(70'000, 'a') + " HTTP/1.1\r\n");
  EXPECT_LT(shown.size(), kShownRequestMax + 10);
  EXPECT_TRUE(shown.starts_with("GET /aaa") && shown.ends_with("…"));
}

TEST(FailureLog, SaysWhatBecameOfARequest) {
  const auto line = [](Kind kind, int status, const std::string& why = "") {
    return failure_line("GET /x", Answer{.kind = kind, .status = status, .why = why});
  };
  EXPECT_EQ(line(Kind::BadGateway, 502, "Your server has closed."),
            "GET /x: 502, your server has closed");
  EXPECT_EQ(line(Kind::Shortage, 503, "hpp cannot connect. Raise the limit."),
            "GET /x: 503, hpp cannot connect. Raise the limit");
  EXPECT_EQ(line(Kind::Refused, 400, "Host appears twice"), "GET /x: 400, Host appears twice");
  EXPECT_EQ(line(Kind::QueueFull, 503), "GET /x: 503, too many requests wait (--queue-limit)");
  EXPECT_TRUE(line(Kind::QueueTimeout, 503));
  EXPECT_TRUE(line(Kind::Unrepeated, 503));
  EXPECT_FALSE(line(Kind::Crashed, 503)) << "supervisord has said it";
  EXPECT_FALSE(line(Kind::HalfClosed, 503)) << "its client has given it up";
  EXPECT_EQ(failure_line("GET /x", CutClient{.why = "your server ended"}),
            "GET /x: cut short, your server ended");
}

TEST(FailureLog, PrintsALineOnceInABurst) {
  FailureLog log;
  const TimePoint now{};
  EXPECT_FALSE(log.wake_at());
  EXPECT_TRUE(log.admit("a", now));
  EXPECT_EQ(log.wake_at(), now + kBurst);
  EXPECT_FALSE(log.admit("a", now + kBurst / 2));
  EXPECT_TRUE(log.admit("b", now + kBurst / 2));
  EXPECT_EQ(log.wake_at(), now + kBurst) << "a burst ends, however long the failures go on";
  EXPECT_EQ(log.end_burst(), 1U);
  EXPECT_FALSE(log.wake_at());
  EXPECT_TRUE(log.admit("a", now + kBurst)) << "the next burst";
  EXPECT_EQ(log.end_burst(), 0U);
}

TEST(FailureLog, PrintsFewLinesInABurst) {
  FailureLog log;
  for (std::size_t i = 0; i < 3 * kLinesMax; ++i) {
    EXPECT_EQ(log.admit(std::to_string(i), {}), i < kLinesMax);
  }
  EXPECT_EQ(log.end_burst(), 2 * kLinesMax);
}

}  // namespace
}  // namespace hpp::proxyd
