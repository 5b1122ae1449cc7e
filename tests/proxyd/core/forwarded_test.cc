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

TEST(Forwarded, IsAListWhoseElementsCanBeToldApart) {
  for (const char* const value :
       {"", "for=1.1.1.1", "For=\"[::1]:80\";proto=http;by=_a", "for=a, for=b,, for=c",
        " , ;for=a; ", "for=\"a,b;c\\\"\"", "for=1.1.1.1:80;host=a:8000", "for=[::1]"}) {
    EXPECT_TRUE(is_forwarded(value)) << value;
  }
  for (const char* const value :
       {"1.1.1.1", "for", "for=", "=a", "for=a b", "for=a proto=http", "for =a", "for=\"a",
        "for=\"a\\\"", "for=\"a\"b", "for=a/b", "for=a; /"}) {
    EXPECT_FALSE(is_forwarded(value)) << value;
  }
}

}  // namespace
}  // namespace hpp::proxyd
