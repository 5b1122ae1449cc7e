#include "proxyd/core/http/validators.h"

#include <gtest/gtest.h>

#include <string>

#include "proxyd/core/http/date.h"
#include "tests/proxyd/core/http/heads.h"

namespace hpp::proxyd {
namespace {

using namespace std::chrono_literals;

TEST(IfModifiedSince, IsUnreliableForTwoSecondsAfterAChange) {
  const TimePoint arrived_at{100s};
  EXPECT_FALSE(is_date_unreliable(std::nullopt, arrived_at));
  EXPECT_FALSE(is_date_unreliable(arrived_at - 60s, arrived_at));
  EXPECT_FALSE(is_date_unreliable(arrived_at - 2s, arrived_at));
  EXPECT_TRUE(is_date_unreliable(arrived_at - 1999ms, arrived_at));
  EXPECT_TRUE(is_date_unreliable(arrived_at, arrived_at));
  // hpp saw the change while it held the request, no matter for how long.
  EXPECT_TRUE(is_date_unreliable(arrived_at + 10s, arrived_at));
}

TEST(IfModifiedSince, IsRemovedUnlessThereIsATag) {
  const auto removed = [](std::string head) {
    remove_date_condition(head);
    return head;
  };
  const std::string date = "if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  EXPECT_EQ(removed("GET /?if-none-match:x HTTP/1.1\r\nHost: a\r\n" + date + "X: y\r\n\r\n"),
            "GET /?if-none-match:x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
  EXPECT_EQ(removed("GET / HTTP/1.1\r\n" + date + date + "\r\n"), "GET / HTTP/1.1\r\n\r\n");
  for (const std::string head :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nX-If-Modified-Since: x\r\n\r\n"}) {
    EXPECT_EQ(removed(head), head);
  }
  const std::string tagged = "GET / HTTP/1.1\r\n" + date + "IF-None-Match: \"a\"\r\n\r\n";
  EXPECT_EQ(removed(tagged), tagged);
}

// Returns the head that the client gets if its request was forwarded at that time.
bool keeps_date(const std::string& fields, std::int64_t forwarded_at_ms) {
  const ParsedResponse head("HTTP/1.1 200 OK\r\n" + fields + "\r\n");
  return !has_weak_date(*head, forwarded_at_ms);
}

TEST(LastModified, IsKeptIfItsSecondIsOver) {
  const std::int64_t second = 1'798'761'599;
  const std::string date = "last-modified: " + http_date(second * 1000) + "\r\n";
  EXPECT_FALSE(keeps_date(date, second * 1000));
  EXPECT_FALSE(keeps_date(date, second * 1000 + 999));
  EXPECT_TRUE(keeps_date(date, second * 1000 + 1000));
  EXPECT_TRUE(keeps_date(date, second * 1000 + 86'400'000));
  // The file was saved after the request was forwarded, or its date is in the future.
  EXPECT_FALSE(keeps_date(date, second * 1000 - 5000));
  EXPECT_TRUE(keeps_date(date + "ETag: \"a\"\r\n", second * 1000));
  EXPECT_TRUE(keeps_date("Last-Modified: now\r\n", second * 1000));
  EXPECT_TRUE(keeps_date("Date: " + http_date(second * 1000) + "\r\n", second * 1000));
}

TEST(LastModified, IsTheOnlyFieldThatIsRemoved) {
  const ParsedResponse whole("HTTP/1.1 200 OK\r\nA: b\r\nLast-Modified: x\r\nC: d\r\n\r\n");
  const ResponseHead head = without_date(*whole);
  ASSERT_EQ(head.fields.size(), 2u);
  EXPECT_EQ(head.fields[0].name, "A");
  EXPECT_EQ(head.fields[1].name, "C");
  EXPECT_EQ(head.status, 200);
}

}  // namespace
}  // namespace hpp::proxyd
