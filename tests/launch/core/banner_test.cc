#include "launch/core/banner.h"

#include <gtest/gtest.h>

namespace hpp::launch {
namespace {

using Lines = std::vector<std::string>;

const Banner kBanner{.version = "0.2.0",
                     .directory = "~/src/shop",
                     .url = "http://localhost:8000/",
                     .network = "off (bind 0.0.0.0:8000)",
                     .hint = std::string(kKeysHint)};

TEST(Banner, NamesTheUrls) {
  EXPECT_EQ(
      lines_of(kBanner, /*is_coloured=*/false),
      (Lines{"", "  hpp 0.2.0   ~/src/shop", "", "  ➜  Local:    http://localhost:8000/",
             "  ➜  Network:  off (bind 0.0.0.0:8000)",
             "  ➜  Status:   http://localhost:8000/__hpp/", "  ➜  press h + Enter for help", ""}));
}

TEST(Banner, LeavesOutTheHintWithoutKeys) {
  Banner banner = kBanner;
  banner.hint.clear();
  EXPECT_EQ(lines_of(banner, false).size(), lines_of(kBanner, false).size() - 1);
}

TEST(Banner, HasColours) {
  const Lines lines = url_lines_of(kBanner, /*is_coloured=*/true);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0],
            "  \033[32m➜\033[0m  \033[1mLocal:\033[0m    \033[36mhttp://localhost:8000/\033[0m");
  EXPECT_EQ(lines[1],
            "  \033[32m➜\033[0m  \033[1mNetwork:\033[0m  \033[2moff (bind 0.0.0.0:8000)\033[0m");
}

TEST(Banner, ReplacesControlCharactersInThePath) {
  Banner banner = kBanner;
  banner.directory = "/x\033]0;y\a\n";
  EXPECT_EQ(lines_of(banner, false)[1], "  hpp 0.2.0   /x?]0;y??");
}

TEST(ShortPath, BeginsWithATildeInTheHomeFolder) {
  EXPECT_EQ(short_path("/home/me/src/shop", "/home/me"), "~/src/shop");
  EXPECT_EQ(short_path("/home/me/src/shop", "/home/me/"), "~/src/shop");
  EXPECT_EQ(short_path("/home/me", "/home/me"), "~");
  EXPECT_EQ(short_path("/home/melanie/shop", "/home/me"), "/home/melanie/shop");
  EXPECT_EQ(short_path("/srv/shop", "/home/me"), "/srv/shop");
  EXPECT_EQ(short_path("/srv/shop", ""), "/srv/shop");
  EXPECT_EQ(short_path("/srv/shop", "/"), "/srv/shop");
}

TEST(NetworkText, HasTheUrlsForOtherMachines) {
  const std::vector<std::string> own{"192.168.1.5", "10.0.0.7"};
  const std::string both = "http://192.168.1.5:8000/ http://10.0.0.7:8000/";
  EXPECT_EQ(network_text({.host = "0.0.0.0", .port = 8000}, false, own), both);
  EXPECT_EQ(network_text({.host = "localhost", .port = 8000}, true, own), both);
  EXPECT_EQ(network_text({.host = "::", .port = 8000}, false, {}),
            "this machine has no address in a local network");
  EXPECT_EQ(network_text({.host = "192.168.1.5", .port = 80}, false, own),
            "http://192.168.1.5:80/");
}

TEST(NetworkText, SaysHowToGetAUrl) {
  for (const char* const host : {"localhost", "127.0.0.1", "::1", "shop.localhost"}) {
    EXPECT_EQ(network_text({.host = host, .port = 8000}, false, {"10.0.0.7"}),
              "off (bind 0.0.0.0:8000, or --lan)")
        << host;
  }
}

}  // namespace
}  // namespace hpp::launch
