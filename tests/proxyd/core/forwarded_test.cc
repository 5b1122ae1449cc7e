#include "proxyd/core/forwarded.h"

#include <gtest/gtest.h>

namespace hpp::proxyd {
namespace {

TEST(Forwarded, FollowsRfc7239) {
  EXPECT_EQ(forwarded_element("127.0.0.1", "localhost:8000"),
            "for=127.0.0.1;host=\"localhost:8000\";proto=http");
  EXPECT_EQ(forwarded_element("::1", "[::1]:8000"), "for=\"[::1]\";host=\"[::1]:8000\";proto=http");
  EXPECT_EQ(forwarded_element("10.0.0.1", "example.org"),
            "for=10.0.0.1;host=example.org;proto=http");
  EXPECT_EQ(forwarded_element("10.0.0.1", ""), "for=10.0.0.1;proto=http");
  EXPECT_EQ(forwarded_element("10.0.0.1", "a\"b\\"), "for=10.0.0.1;host=\"a\\\"b\\\\\";proto=http");
}

}  // namespace
}  // namespace hpp::proxyd
