#include "proxyd/core/http/date.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

struct Example {
  std::int64_t second;
  const char* text;
};

// Made with `date -u`.
constexpr Example kExamples[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},          {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},  {1798761599, "Thu, 31 Dec 2026 23:59:59 GMT"},
    {1798761600, "Fri, 01 Jan 2027 00:00:00 GMT"}, {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
};

TEST(HttpDate, IsWrittenAndRead) {
  for (const Example& example : kExamples) {
    EXPECT_EQ(http_date(example.second * 1000), example.text);
    EXPECT_EQ(http_date(example.second * 1000 + 999), example.text);
    EXPECT_EQ(read_http_date(example.text), example.second) << example.text;
  }
}

TEST(HttpDate, OtherFormatsAreNotRead) {
  for (const char* text : {"", "today", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 GM", "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08.49:37 GMT",
                           "Sun; 06 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(read_http_date(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace hpp::proxyd
