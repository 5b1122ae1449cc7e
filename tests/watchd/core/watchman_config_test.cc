#include "watchd/core/watchman_config.h"

#include <gtest/gtest.h>

namespace hpp::watchd {
namespace {

using std::chrono::milliseconds;
using Folders = std::vector<std::string>;

const WatchmanConfig kDefaults;

WatchmanConfig read(std::string_view text, std::string_view below = "") {
  return read_watchman_config(text, below);
}

TEST(WatchmanConfig, WithoutKeysHasWatchmansDefaults) {
  for (const char* text : {"", " \n", "{}", R"({"root_restrict_files": [".git"]})"}) {
    EXPECT_EQ(read(text), kDefaults) << text;
  }
}

TEST(WatchmanConfig, IgnoredFoldersComeInAdditionToThoseOfVersionControl) {
  EXPECT_EQ(read(R"({"ignore_dirs": ["node_modules", "./web/dist/", "\u00e4"]})").ignored,
            (Folders{".git", ".hg", ".svn", "node_modules", "web/dist", "\xc3\xa4"}));
}

TEST(WatchmanConfig, IgnoreVcsReplacesItsDefault) {
  EXPECT_EQ(read(R"({"ignore_vcs": [".jj"], "ignore_dirs": ["a"]})").ignored,
            (Folders{".jj", "a"}));
  EXPECT_EQ(read(R"({"ignore_vcs": []})").ignored, Folders{});
}

TEST(WatchmanConfig, FoldersAreSeenFromTheProjectFolder) {
  const char* const text = R"({"ignore_dirs": ["web/dist", "website", "dist", "web", "web/", ""]})";
  EXPECT_EQ(read(text, "web").ignored, Folders{"dist"});
  EXPECT_EQ(read(R"({"ignore_dirs": ["a/b/c/d"]})", "a/b").ignored, Folders{"c/d"});
  EXPECT_EQ(read(R"({"ignore_dirs": ["/", ".", "./"]})").ignored, kDefaults.ignored);
}

TEST(WatchmanConfig, SettleIsATimeInMilliseconds) {
  EXPECT_EQ(read(R"({"settle": 300})").settle, milliseconds{300});
  EXPECT_EQ(read(R"({"settle": 0})").settle, milliseconds{0});
}

TEST(WatchmanConfig, AWrongValueIsNamedAndTheOtherKeysHold) {
  const WatchmanConfig config =
      read(R"({"settle": -1, "ignore_dirs": ["a", 1], "ignore_vcs": ["b"]})");
  EXPECT_EQ(config.problem,
            "ignore_dirs must be a list of folder names; settle must be a number of milliseconds "
            "from 0 to 60000");
  EXPECT_EQ(config.settle, kDefaults.settle);
  EXPECT_EQ(config.ignored, Folders{"b"});
  for (const char* value : {"\"20\"", "20.5", "60001", "99999999999999999999", "null", "[]"}) {
    EXPECT_NE(read(std::string(R"({"settle": )") + value + "}").problem, "") << value;
  }
}

TEST(WatchmanConfig, ATextThatIsNotJsonIsNamedByItsLine) {
  WatchmanConfig wanted = kDefaults;
  wanted.problem = "line 2 is not JSON";
  EXPECT_EQ(read("{\n  'settle': 1\n}"), wanted);
  EXPECT_EQ(read("{\n"), wanted);
  EXPECT_EQ(read("{\n  \"settle\": 1e999\n}"), wanted);  // too large a number
  wanted.problem = "line 1 is not JSON";
  EXPECT_EQ(read("\xff"), wanted);
  EXPECT_EQ(read(std::string_view("\0", 1)), wanted);
  wanted.problem = "the file must contain a JSON object";
  EXPECT_EQ(read("[]"), wanted);
  EXPECT_EQ(read("20"), wanted);
}

}  // namespace
}  // namespace hpp::watchd
