#include "watchd/watchman_config_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace hpp::watchd {
namespace {

using Folders = std::vector<std::string>;

class WatchmanConfigFileTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(project_); }

  void write(const std::string& folder, const char* text) const {
    std::ofstream(directory_ / folder + ".watchmanconfig") << text;
  }

  const TemporaryDirectory directory_;
  const std::string project_ = directory_ / "repository/web";
};

TEST_F(WatchmanConfigFileTest, TheNearestFileUpwardsHolds) {
  EXPECT_EQ(watchman_config_of(project_), WatchmanConfig{});
  write("", R"({"ignore_dirs": ["repository/web/a"]})");
  EXPECT_EQ(watchman_config_of(project_).ignored, Folders{"a"});
  write("repository/", R"({"ignore_dirs": ["web/b"]})");
  EXPECT_EQ(watchman_config_of(project_).ignored, Folders{"b"});
  write("repository/web/", R"({"ignore_dirs": ["c"]})");
  EXPECT_EQ(watchman_config_of(project_).ignored, (Folders{".git", ".hg", ".svn", "c"}));
}

TEST_F(WatchmanConfigFileTest, AProblemNamesTheFile) {
  write("repository/", "ignore_dirs: [a]");
  EXPECT_EQ(watchman_config_of(project_).problem,
            directory_ / "repository/.watchmanconfig: line 1 is not JSON");
  std::filesystem::create_directory(project_ + "/.watchmanconfig");
  EXPECT_EQ(watchman_config_of(project_).problem, project_ + "/.watchmanconfig: it cannot be read");
}

}  // namespace
}  // namespace hpp::watchd
