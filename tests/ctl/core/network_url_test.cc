#include "ctl/core/network_url.h"

#include <gtest/gtest.h>

namespace hpp::ctl {
namespace {

TEST(NetworkUrl, HasAnAddressOfThisMachine) {
  const std::vector<std::string> own{"192.168.1.5", "10.0.0.7"};
  EXPECT_EQ(network_url({"0.0.0.0:8000", "[::]:8000"}, own), "http://192.168.1.5:8000/");
  EXPECT_EQ(network_url({"[::]:8000"}, own), "http://192.168.1.5:8000/");
  EXPECT_EQ(network_url({"127.0.0.1:8000", "10.0.0.7:8001"}, own), "http://10.0.0.7:8001/");
}

TEST(NetworkUrl, IsMissingIfNothingListensInTheNetwork) {
  EXPECT_EQ(network_url({"127.0.0.1:8000", "[::1]:8000"}, {"192.168.1.5"}), std::nullopt);
  EXPECT_EQ(network_url({}, {"192.168.1.5"}), std::nullopt);
  EXPECT_EQ(network_url({"0.0.0.0:8000"}, {}), std::nullopt);
}

}  // namespace
}  // namespace hpp::ctl
