#include "common/address.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hpp {
namespace {

TEST(Address, ParsesEveryForm) {
  EXPECT_EQ(parse_address("8000"), (Address{"localhost", 8000}));
  EXPECT_EQ(parse_address("localhost:8000"), (Address{"localhost", 8000}));
  EXPECT_EQ(parse_address("127.0.0.1:1"), (Address{"127.0.0.1", 1}));
  EXPECT_EQ(parse_address("[::1]:65535"), (Address{"::1", 65535}));
}

TEST(Address, IsPrintedAsItIsParsed) {
  for (const char* text : {"localhost:8000", "0.0.0.0:80", "[::1]:8000", "[fe80::1]:9"}) {
    EXPECT_EQ(to_string(parse_address(text)), text);
  }
}

TEST(Address, AMalformedAddressIsRejectedWithTheReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "'' has no port. Write HOST:PORT, such as localhost:8000"},
      {"localhost", "'localhost' has no port. Write HOST:PORT, such as localhost:8000"},
      {"localhost:",
       "'localhost:' has no number as its port. Write HOST:PORT, such as localhost:8000"},
      {"localhost:80x",
       "'localhost:80x' has no number as its port. Write HOST:PORT, such as localhost:8000"},
      {"localhost:-1",
       "'localhost:-1' has no number as its port. Write HOST:PORT, such as localhost:8000"},
      {"0", "'0' is no port: a port is a number from 1 to 65535"},
      {"65536", "'65536' is no port: a port is a number from 1 to 65535"},
      {"99999999999999999999",
       "'99999999999999999999' is no port: a port is a number from 1 to 65535"},
      {":8000",
       "':8000' has no host. Write 8000 for this machine alone, or 0.0.0.0:8000 to listen on all "
       "of "
       "its addresses"},
      {"::1:8000", "'::1:8000' is an IPv6 address without brackets. Write [::1]:8000"},
      {"[::1]", "'[::1]' has no port. Write [V6]:PORT, such as [::1]:8000"},
      {"[]:80", "'[]:80' has no port. Write [V6]:PORT, such as [::1]:8000"},
      {"http://localhost:8000/x",
       "'http://localhost:8000/x' is a URL, and hpp needs an address. Write localhost:8000"},
      {"https://example.org",
       "'https://example.org' is a URL, and hpp needs an address. Write HOST:PORT, such as "
       "localhost:8000"},
      {"localhost:8000/",
       "'localhost:8000/' has a path, and an address has none. Write localhost:8000"},
      {"localhost/x:8000",
       "'localhost/x:8000' has no host name before its port. Write HOST:PORT, such as "
       "localhost:8000"},
  };
  for (const auto& [text, why] : cases) {
    try {
      parse_address(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(error.what(), why);
    }
  }
}

TEST(Address, InstanceNameIsAValidFileName) {
  EXPECT_EQ(instance_name({"localhost", 8000}), "localhost-8000");
  EXPECT_EQ(instance_name({"::1", 8000}), "__1-8000");
}

}  // namespace
}  // namespace hpp
