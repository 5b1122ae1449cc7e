#include "proxyd/core/crash_requests.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

TEST(CrashRequests, NamesTheFirstOne) {
  CrashRequests requests;
  EXPECT_EQ(requests.text(0), "");
  EXPECT_EQ(requests.text(1), "");
  EXPECT_EQ(requests.generation(), 0U);
  requests.on(1, "GET /x");
  EXPECT_EQ(requests.text(1), "GET /x");
  requests.on(1, "GET /y");
  EXPECT_EQ(requests.text(1), "GET /x and 1 more request");
  requests.on(1, "GET /z");
  EXPECT_EQ(requests.text(1), "GET /x and 2 more requests");
}

TEST(CrashRequests, ForgetsEarlierBackends) {
  CrashRequests requests;
  requests.on(1, "GET /x");
  requests.on(3, "GET /y");
  EXPECT_EQ(requests.text(1), "");
  EXPECT_EQ(requests.text(2), "");
  EXPECT_EQ(requests.text(3), "GET /y");
  requests.on(2, "GET /late");
  EXPECT_EQ(requests.text(3), "GET /y");
  EXPECT_EQ(requests.generation(), 3U);
}

}  // namespace
}  // namespace hpp::proxyd
