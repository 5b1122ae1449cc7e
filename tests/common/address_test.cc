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
      {"", "the port is missing"},
      {"localhost", "the port is missing"},
      {"localhost:", "not a number"},
      {"localhost:80x", "not a number"},
      {"localhost:-1", "not a number"},
      {"0", "from 1 to 65535"},
      {"65536", "from 1 to 65535"},
      {"99999999999999999999", "not a number"},
      {":8000", "host is missing"},
      {"::1:8000", "need brackets"},
      {"[::1]", "']:PORT' is missing"},
      {"[]:80", "']:PORT' is missing"},
      {"http://localhost:8000", "without http://"},
      {"localhost/x:8000", "not a host name"},
  };
  for (const auto& [text, why] : cases) {
    try {
      parse_address(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos)
          << text << ": " << error.what();
    }
  }
}

TEST(Address, InstanceNameIsAValidFileName) {
  EXPECT_EQ(instance_name({"localhost", 8000}), "localhost-8000");
  EXPECT_EQ(instance_name({"::1", 8000}), "__1-8000");
}

}  // namespace
}  // namespace hpp
