#include "common/private_address.h"

#include <gtest/gtest.h>

namespace hpp {
namespace {

TEST(PrivateAddress, IsOneOfALocalNetwork) {
  for (const char* const ip : {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1",
                               "169.254.1.1", "100.64.0.1", "fd12::1", "fe80::1"}) {
    EXPECT_TRUE(is_private_address(ip)) << ip;
  }
  for (const char* const ip : {"172.15.0.1", "172.32.0.1", "192.169.0.1", "11.0.0.1", "100.128.0.1",
                               "8.8.8.8", "127.0.0.1", "2001:db8::1", "fec0::1", "::1", "1.2.3", "",
                               "10.0.0.0.1", "10.0.0.256", "fdx"}) {
    EXPECT_FALSE(is_private_address(ip)) << ip;
  }
}

TEST(Ipv4Address, HasFourNumbers) {
  EXPECT_TRUE(is_ipv4_address("0.0.0.0"));
  EXPECT_TRUE(is_ipv4_address("255.255.255.255"));
  for (const char* const text : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.x", "1.2.3.",
                                 ".1.2.3", "1..2.3", " 1.2.3.4", "1.2.3.4 ", "-1.2.3.4", "::1"}) {
    EXPECT_FALSE(is_ipv4_address(text)) << text;
  }
}

}  // namespace
}  // namespace hpp
