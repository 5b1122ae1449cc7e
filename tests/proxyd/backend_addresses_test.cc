#include "proxyd/backend_addresses.h"

#include <gtest/gtest.h>

#include <vector>

namespace hpp::proxyd {
namespace {

const std::vector<SocketAddress> kBoth = resolve({.host = "localhost", .port = 8001});
const SocketAddress& kV4 = kBoth[0];
const SocketAddress& kV6 = kBoth[1];
const SocketAddress kOther = resolve({.host = "127.0.0.1", .port = 1})[0];

std::vector<std::string> texts(const BackendAddresses& addresses) {
  std::vector<std::string> texts;
  for (const SocketAddress& address : addresses.in_order()) texts.push_back(address.text());
  return texts;
}

TEST(BackendAddresses, PutsTheLastOneThatAcceptedFirst) {
  BackendAddresses addresses(kBoth);
  EXPECT_EQ(texts(addresses), (std::vector<std::string>{"127.0.0.1:8001", "[::1]:8001"}));
  addresses.accepted(kV6);
  EXPECT_EQ(texts(addresses), (std::vector<std::string>{"[::1]:8001", "127.0.0.1:8001"}));
  addresses.accepted(kV6);
  addresses.accepted(kOther);
  EXPECT_EQ(texts(addresses), (std::vector<std::string>{"[::1]:8001", "127.0.0.1:8001"}));
}

TEST(BackendAddresses, CanBeRestrictedToOne) {
  BackendAddresses addresses(kBoth);
  EXPECT_TRUE(addresses.restrict_to("[::1]:8001"));
  EXPECT_TRUE(addresses.is_restricted());
  EXPECT_EQ(texts(addresses), std::vector<std::string>{"[::1]:8001"});
  EXPECT_FALSE(addresses.is_in_use(kV4));
  EXPECT_FALSE(addresses.restrict_to("[::1]:8001")) << "nothing has changed";
  EXPECT_TRUE(addresses.restrict_to(""));
  EXPECT_FALSE(addresses.is_restricted());
  EXPECT_TRUE(addresses.is_in_use(kV4));
}

TEST(BackendAddresses, UsesAllIfNoneHasThatText) {
  BackendAddresses addresses(kBoth);
  addresses.accepted(kV6);
  EXPECT_FALSE(addresses.restrict_to("192.0.2.1:8001"));
  EXPECT_EQ(texts(addresses).front(), "[::1]:8001") << "the order stays";
}

}  // namespace
}  // namespace hpp::proxyd
